"""Queries in people's own words, with the paper that should come first, or the papers of a listing."""

from typing import NamedTuple


class Query(NamedTuple):
    """What somebody types, and the ids of the papers of which any may come first."""

    text: str
    first: tuple[str, ...]


def _read(table: str) -> list[Query]:
    lines = (line.rsplit("|", 1) for line in table.strip().splitlines() if line.strip())
    return [Query(text.strip(), tuple(ids.split())) for text, ids in lines]


SAMPLE_QUERIES = _read(
    """
    2402.01306                                              | 2402.01306
    arXiv:2402.01306v4 [cs.LG] 19 Nov 2024                  | 2402.01306
    is https://arxiv.org/pdf/2305.18290v3.pdf any good?     | 2305.18290
    <https://arxiv.org/abs/1706.03762|arxiv.org/abs/1706>   | 1706.03762
    https://www.alphaxiv.org/abs/2106.09685                 | 2106.09685
    10.48550/arXiv.2312.00752                               | 2312.00752
    oai:arXiv.org:2205.14135v2                              | 2205.14135
    ２００６．１１２３９                                      | 2006.11239
    (1412.6980).                                            | 1412.6980
    DPO                                                     | 2305.18290
    kto                                                     | 2402.01306
    VAE                                                     | 1312.6114
    clip                                                    | 2103.00020
    ppo                                                     | 1707.06347
    DDPM                                                    | 2006.11239
    rag                                                     | 2005.11401
    Self-RAG                                                | 2310.11511
    self rag                                                | 2310.11511
    sam                                                     | 2304.02643
    MAE                                                     | 2111.06377
    ViT                                                     | 2010.11929
    DiT                                                     | 2212.09748
    NeRF                                                    | 2003.08934
    3DGS                                                    | 2308.04079
    gaussian splats                                         | 2308.04079
    LoRA                                                    | 2106.09685
    qlora                                                   | 2305.14314
    SAC                                                     | 1801.01290
    DPR                                                     | 2004.04906
    SimCLR                                                  | 2002.05709
    resnet                                                  | 1512.03385
    bert                                                    | 1810.04805
    ColBERT                                                 | 2004.12832
    whisper                                                 | 2212.04356
    wav2vec                                                 | 2006.11477
    wav2vec2                                                | 2006.11477
    controlnet                                              | 2302.05543
    stable diffusion                                        | 2112.10752
    latent diffusion                                        | 2112.10752
    mamba                                                   | 2312.00752
    adam                                                    | 1412.6980
    ReAct                                                   | 2210.03629
    reflexion                                               | 2303.11366
    vLLM                                                    | 2309.06180
    paged attention                                         | 2309.06180
    pagedattention                                          | 2309.06180
    flash attention                                         | 2205.14135
    FlashAttention                                          | 2205.14135
    CoT                                                     | 2201.11903
    ALOHA                                                   | 2304.13705
    attention is all you need                               | 1706.03762
    Attention Is All You Need paper                         | 1706.03762
    atention is all you ned                                 | 1706.03762
    direct preference optimization                          | 2305.18290
    your language model is secretly a reward model          | 2305.18290
    prefrence optimisation                                  | 2305.18290
    segment anything                                        | 2304.02643
    diffusion policy                                        | 2303.04137
    masked autoencoders                                     | 2111.06377
    masked auto-encoder                                     | 2111.06377
    deep residual learning                                  | 1512.03385
    image is worth 16x16 words                              | 2010.11929
    indirect prompt injection                               | 2302.12173
    chain of thought prompting                              | 2201.11903
    retrieval augmented generation                          | 2005.11401
    dense passage retrieval                                 | 2004.04906
    neural radiance fields                                  | 2003.08934
    soft actor critic                                       | 1801.01290
    proximal policy optimisation                            | 1707.06347
    low rank adaptation                                     | 2106.09685
    bimanual manipulation                                   | 2304.13705
    speech recognition weak supervision                     | 2212.04356
    contrastive learning of visual representations          | 2002.05709
    selective state spaces                                  | 2312.00752
    what are the limitations of DPO?                        | 2305.18290
    KTO's weaknesses                                        | 2402.01306
    limitations of segment anything                         | 2304.02643
    have you seen the mamba paper?                          | 2312.00752
    can someone find me the paper about prompt injection    | 2302.12173
    what is the paper on chain of thought?                  | 2201.11903
    papers about radiance fields                            | 2003.08934 2308.04079
    which paper introduced the transformer?                 | 1706.03762
    paper about quantized finetuning                        | 2305.14314
    how does flash attention work                           | 2205.14135
    language agents with verbal feedback                    | 2303.11366
    Ethayarajh 2024                                         | 2402.01306
    rafailov                                                | 2305.18290
    Vaswani et al. 2017                                     | 1706.03762
    tri dao                                                 | 2205.14135 2312.00752
    kingma adam                                             | 1412.6980
    kaiming he masked                                       | 2111.06377
    papers by Akari Asai                                    | 2310.11511
    by:haarnoja                                             | 1801.01290
    by:"douwe kiela" since:2024                             | 2402.01306
    Leimkuhler                                              | 2308.04079
    Dollar segment                                          | 2304.02643
    diffusion in robotics                                   | 2303.04137
    diffusion since:2023 in:cs.CV                           | 2302.05543
    diffusion before:2021                                   | 2006.11239
    in:cs.SD sort:score                                     | 2212.04356 2006.11477
    best papers in retrieval                                | 2004.12832 2005.11401
    optimization 2014                                       | 1412.6980
    transformers in 2018                                    | 1810.04805
    in:cs.CL min:9.2                                        | 1706.03762
    reinforcement learning before 2018                      | 1707.06347
    rl language agents                                      | 2303.11366
    "speech representations"                                | 2006.11477
    text-to-image                                           | 2302.05543
    high resolution image synthesis                         | 2112.10752
    """
)
"""Queries over the bundled sample."""

REAL_QUERIES = _read(
    """
    swebench                                                | 2310.06770
    swe bench                                               | 2310.06770
    moviegen                                                | 2410.13720
    qwen2vl                                                 | 2409.12191
    qwen 2 vl                                               | 2409.12191
    deepseek r1                                             | 2501.12948
    deepseek v3                                             | 2412.19437
    deepseek-v2                                             | 2405.04434
    llama 3                                                 | 2407.21783
    llama3                                                  | 2407.21783
    starcoder2                                              | 2402.19173
    chatbot arena                                           | 2403.04132
    musicgen                                                | 2306.05284
    ORPO                                                    | 2403.07691
    absolute zero                                           | 2505.03335
    gemini 1.5                                              | 2403.05530
    cog video x                                             | 2408.06072
    mm1                                                     | 2403.09611
    chameleon                                               | 2405.09818
    agentbench                                              | 2308.03688
    powerinfer                                              | 2312.12456
    medusa decoding heads                                   | 2401.10774
    self rewarding language models                          | 2401.10020
    limitations of deepseek r1                              | 2501.12948
    what are KTO's drawbacks?                               | 2402.01306
    which paper is about test-time compute scaling          | 2408.03314
    real world github issues                                | 2310.06770
    yoshua bengio 2026                                      | 2606.29657
    convertible codes                                       | 2606.28729
    the flip side of rlhf                                   | 2605.30888
    mixture of debaters                                     | 2606.29425
    brownian bridge channel estimation                      | 2606.28778
    sparse ising optimization                               | 2605.30355
    can OCR VLMs read devanagari                            | 2606.29213
    zick ising                                              | 2605.30355
    phonological perception of sign language                | 2606.28667
    """
)
"""Queries over the sample together with the real records, of which only ids and words of titles are here."""
