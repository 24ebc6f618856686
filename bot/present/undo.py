"""The undo button of a change, where it is shown outside of the channel that was changed. Pure."""

from dataclasses import replace

from bot.chat.message import Block, Button, ButtonAction, Buttons, Message
from digests.subscription import Channel


def name_undo_channel(message: Message, channel: Channel) -> Message:
    """Return the message with the channel's id in the values of its undo buttons."""
    return replace(message, blocks=tuple(_name_channel(block, channel.channel) for block in message.blocks))


def _name_channel(block: Block, channel_id: str) -> Block:
    if not isinstance(block, Buttons):
        return block
    return Buttons(tuple(_name_in_button(button, channel_id) for button in block.buttons))


def _name_in_button(button: Button, channel_id: str) -> Button:
    is_undo = button.action is ButtonAction.UNDO
    return replace(button, value=f"{button.value}:{channel_id}") if is_undo else button


def split_undo_value(value: str) -> tuple[str, str]:
    """Return the change's number and the channel's id from an undo button; "" for the message's channel."""
    change, _, channel_id = value.partition(":")
    return change, channel_id
