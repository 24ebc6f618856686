"""Glossary of the field: what an abbreviation or the name of a system stands for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from digests.ids import parse_arxiv_id
from digests.search.frames import STOP_WORDS
from digests.search.query import tokenize_text
from digests.text import to_plain_text

SHIPPED_TERMS: Mapping[str, str] = {
    "agi": "artificial general intelligence", "ann": "approximate nearest neighbor",
    "asr": "automatic speech recognition", "cfg": "classifier-free guidance",
    "clip": "2103.00020 contrastive language-image pre-training", "cnn": "convolutional neural network",
    "cot": "2201.11903 chain of thought", "ddpm": "2006.11239 denoising diffusion probabilistic model",
    "detr": "2005.12872 end-to-end object detection with transformers",
    "dit": "2212.09748 diffusion transformer", "dpo": "2305.18290 direct preference optimization",
    "dpr": "2004.04906 dense passage retrieval", "dqn": "1312.5602 deep Q network",
    "gan": "1406.2661 generative adversarial network", "gnn": "graph neural network",
    "gpt3": "2005.14165 few-shot learners", "grpo": "2402.03300 group relative policy optimization",
    "gs": "gaussian splatting", "icl": "in-context learning", "kv": "key value",
    "ldm": "2112.10752 latent diffusion model", "llava": "2304.08485 visual instruction tuning",
    "llm": "large language model", "lora": "2106.09685 low-rank adaptation",
    "lstm": "long short-term memory", "mae": "2111.06377 masked autoencoder",
    "marl": "multi-agent reinforcement learning", "mcts": "Monte Carlo tree search",
    "ml": "machine learning", "mllm": "multimodal large language model", "moe": "mixture of experts",
    "mpc": "model predictive control", "mt": "machine translation",
    "musicgen": "2306.05284 controllable music generation", "nas": "neural architecture search",
    "nerf": "2003.08934 neural radiance field", "ner": "named entity recognition",
    "nlp": "natural language processing", "nmt": "neural machine translation",
    "ocr": "optical character recognition", "ood": "out of distribution",
    "peft": "parameter-efficient fine-tuning", "pinn": "physics-informed neural network",
    "ppo": "1707.06347 proximal policy optimization", "prm": "process reward model",
    "qa": "question answering", "rag": "2005.11401 retrieval-augmented generation",
    "resnet": "1512.03385 deep residual learning", "rl": "reinforcement learning",
    "rlaif": "reinforcement learning from AI feedback",
    "rlhf": "reinforcement learning from human feedback",
    "rlvr": "reinforcement learning verifiable rewards", "rm": "reward model",
    "rnn": "recurrent neural network", "sac": "1801.01290 soft actor-critic", "sae": "sparse autoencoder",
    "sam": "2304.02643 segment anything", "sft": "supervised fine-tuning",
    "simclr": "2002.05709 simple framework for contrastive learning",
    "slam": "simultaneous localization and mapping", "slm": "small language model",
    "snn": "spiking neural network", "ssl": "self-supervised learning", "ssm": "state space model",
    "stt": "speech to text", "tts": "text to speech", "ttt": "test-time training",
    "vae": "1312.6114 variational autoencoder", "vit": "2010.11929 vision transformer",
    "vla": "vision-language-action", "vlm": "vision-language model", "vllm": "2309.06180 PagedAttention",
    "vln": "vision-language navigation", "vqa": "visual question answering",
    "whisper": "2212.04356 robust speech recognition", "act": "2304.13705 action chunking transformer",
    "aloha": "2304.13705 low-cost bimanual manipulation", "stable diffusion": "2112.10752",
    "controlnet": "2302.05543 conditional control", "transformer": "1706.03762",
    "vanilla transformer": "1706.03762", "3dgs": "2308.04079 gaussian splatting",
    "gaussian splatting": "2308.04079",
}  # fmt: skip
"""Terms with what they stand for: words, a paper's arXiv id, or the id and then words."""


@dataclass(frozen=True, slots=True)
class GlossaryEntry:
    """Meaning of a term: the id of the paper that introduced it, or "", and its long form in words."""

    paper: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Glossary:
    """Terms of the field, by their words without spaces: "stablediffusion"."""

    entries: Mapping[str, GlossaryEntry]

    def find(self, words: str) -> GlossaryEntry | None:
        """Return what a term stands for; its words are joined without spaces. None for other words.

        A plural such as "VAEs" stands for the words alone, and not for the paper.
        """
        if entry := self.entries.get(words):
            return entry
        single = self.entries.get(words.removesuffix("s")) if len(words) > 2 else None
        return replace(single, paper="") if single and single.words else None

    def find_short_forms(self, words: tuple[str, ...]) -> Mapping[str, GlossaryEntry]:
        """Return the terms whose long form these words are. Stop words and plurals make no difference."""
        return {
            term: self.entries[term] for term in self._terms_by_long_form.get(_normalize_words(words), ())
        }

    @cached_property
    def _terms_by_long_form(self) -> Mapping[tuple[str, ...], Sequence[str]]:
        terms: dict[tuple[str, ...], list[str]] = {}
        for term, entry in self.entries.items():
            terms.setdefault(_normalize_words(entry.words), []).append(term)
        return terms


def build_glossary(own_terms: Mapping[str, str]) -> Glossary:
    """Build the glossary of the shipped terms and the operator's own, which count first.

    An own term with an empty meaning removes the shipped one.
    """
    entries = {}
    for term, meaning in {**SHIPPED_TERMS, **own_terms}.items():
        first, _, rest = meaning.strip().partition(" ")
        named = parse_arxiv_id(first)
        entry = GlossaryEntry(named.id if named else "", _split_words(rest if named else meaning))
        key = "".join(_split_words(term))
        if key and (entry.paper or entry.words):
            entries[key] = entry
        else:
            entries.pop(key, None)
    return Glossary(entries)


def _normalize_words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.removesuffix("s") for word in words if word not in STOP_WORDS)


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(tokenize_text(to_plain_text(text)))
