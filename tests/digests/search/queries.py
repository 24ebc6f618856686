"""Queries in people's own words, with the paper that should come first, or the papers of a listing."""

from typing import NamedTuple


class Query(NamedTuple):
    """What somebody types, the ids of the papers of which any may come first, and the kind of query."""

    text: str
    first: tuple[str, ...]
    kind: str


def read_queries(table: str) -> list[Query]:
    """Read queries out of lines of kind, text and ids, between bars. A text may have bars too."""
    queries = []
    for line in table.strip().splitlines():
        kind, _, rest = line.partition("|")
        text, _, ids = rest.rpartition("|")
        queries.append(Query(text.strip(), tuple(ids.split()), kind.strip()))
    return queries


SAMPLE_QUERIES = read_queries(
    """
    id          | 2402.01306                                              | 2402.01306
    id          | arXiv:2402.01306v4 [cs.LG] 19 Nov 2024                  | 2402.01306
    id          | is https://arxiv.org/pdf/2305.18290v3.pdf any good?     | 2305.18290
    id          | <https://arxiv.org/abs/1706.03762|arxiv.org/abs/1706>   | 1706.03762
    id          | https://www.alphaxiv.org/abs/2106.09685                 | 2106.09685
    id          | 10.48550/arXiv.2312.00752                               | 2312.00752
    id          | oai:arXiv.org:2205.14135v2                              | 2205.14135
    id          | ２００６．１１２３９                                              | 2006.11239
    id          | (1412.6980).                                            | 1412.6980
    id          | arxiv 2402.01306                                        | 2402.01306
    id          | https://papers.cool/arxiv/2402.01306                    | 2402.01306
    id          | https://ar5iv.labs.arxiv.org/html/2402.01306            | 2402.01306
    name        | DPO                                                     | 2305.18290
    name        | kto                                                     | 2402.01306
    name        | VAE                                                     | 1312.6114
    name        | clip                                                    | 2103.00020
    name        | ppo                                                     | 1707.06347
    name        | DDPM                                                    | 2006.11239
    name        | rag                                                     | 2005.11401
    name        | Self-RAG                                                | 2310.11511
    name        | self rag                                                | 2310.11511
    name        | sam                                                     | 2304.02643
    name        | MAE                                                     | 2111.06377
    name        | ViT                                                     | 2010.11929
    name        | DiT                                                     | 2212.09748
    name        | NeRF                                                    | 2003.08934
    name        | 3DGS                                                    | 2308.04079
    name        | LoRA                                                    | 2106.09685
    name        | qlora                                                   | 2305.14314
    name        | SAC                                                     | 1801.01290
    name        | DPR                                                     | 2004.04906
    name        | SimCLR                                                  | 2002.05709
    name        | resnet                                                  | 1512.03385
    name        | bert                                                    | 1810.04805
    name        | ColBERT                                                 | 2004.12832
    name        | whisper                                                 | 2212.04356
    name        | wav2vec                                                 | 2006.11477
    name        | controlnet                                              | 2302.05543
    name        | stable diffusion                                        | 2112.10752
    name        | mamba                                                   | 2312.00752
    name        | adam                                                    | 1412.6980
    name        | ReAct                                                   | 2210.03629
    name        | reflexion                                               | 2303.11366
    name        | vLLM                                                    | 2309.06180
    name        | paged attention                                         | 2309.06180
    name        | pagedattention                                          | 2309.06180
    name        | flash attention                                         | 2205.14135
    name        | FlashAttention                                          | 2205.14135
    name        | CoT                                                     | 2201.11903
    name        | ALOHA                                                   | 2304.13705
    name        | the transformer paper                                   | 1706.03762
    compared    | KTO vs DPO                                              | 2402.01306 2305.18290
    compared    | difference between DPO and KTO                          | 2402.01306 2305.18290
    compared    | lora or qlora?                                          | 2106.09685 2305.14314
    author      | D. P. Kingma                                            | 1312.6114 1412.6980
    author      | Ethayarajh 2024                                         | 2402.01306
    author      | rafailov                                                | 2305.18290
    author      | Vaswani et al. 2017                                     | 1706.03762
    author      | tri dao                                                 | 2205.14135 2312.00752
    author      | kingma adam                                             | 1412.6980
    author      | kaiming he masked                                       | 2111.06377
    author      | papers by Akari Asai                                    | 2310.11511
    author      | Leimkuhler                                              | 2308.04079
    author      | Dollar segment                                          | 2304.02643
    author      | Radford 2021                                            | 2103.00020
    author      | mildenhall                                              | 2003.08934
    author      | kahneman tversky                                        | 2402.01306
    author      | papers by Ashish Vaswani                                | 1706.03762
    author      | chelsea finn aloha                                      | 2304.13705
    author      | pieter abbeel diffusion                                 | 2006.11239
    author      | john schulman                                           | 1707.06347
    author      | Vaswani attention                                       | 1706.03762
    author      | papers by Finn since 2023                               | 2305.18290
    title       | latent diffusion                                        | 2112.10752
    title       | attention is all you need                               | 1706.03762
    title       | Attention Is All You Need paper                         | 1706.03762
    title       | direct preference optimization                          | 2305.18290
    title       | your language model is secretly a reward model          | 2305.18290
    title       | segment anything                                        | 2304.02643
    title       | diffusion policy                                        | 2303.04137
    title       | masked autoencoders                                     | 2111.06377
    title       | deep residual learning                                  | 1512.03385
    title       | image is worth 16x16 words                              | 2010.11929
    title       | indirect prompt injection                               | 2302.12173
    title       | chain of thought prompting                              | 2201.11903
    title       | retrieval augmented generation                          | 2005.11401
    title       | dense passage retrieval                                 | 2004.04906
    title       | neural radiance fields                                  | 2003.08934
    title       | soft actor critic                                       | 1801.01290
    title       | low rank adaptation                                     | 2106.09685
    title       | contrastive learning of visual representations          | 2002.05709
    title       | high resolution image synthesis                         | 2112.10752
    title       | scalable diffusion transformers                         | 2212.09748
    title       | masked autoencoder vision                               | 2111.06377
    title       | attention paper                                         | 1706.03762
    title       | diffusion transformers                                  | 2212.09748
    question    | have you seen the mamba paper?                          | 2312.00752
    question    | can someone find me the paper about prompt injection    | 2302.12173
    question    | what is the paper on chain of thought?                  | 2201.11903
    question    | papers about radiance fields                            | 2003.08934 2308.04079
    question    | which paper introduced the transformer?                 | 1706.03762
    question    | paper about quantized finetuning                        | 2305.14314
    question    | how does flash attention work                           | 2205.14135
    question    | who wrote the adam paper                                | 1412.6980
    question    | can you show me the ppo paper?                          | 1707.06347
    question    | the clip paper please                                   | 2103.00020
    question    | is KTO any good?                                        | 2402.01306
    question    | tldr of mamba                                           | 2312.00752
    question    | when was ResNet published                               | 1512.03385
    question    | the one about thumbs up/down instead of pairs           | 2402.01306
    question    | who are the authors of QLoRA                            | 2305.14314
    question    | mamba github                                            | 2312.00752
    limitations | what are the limitations of DPO?                        | 2305.18290
    limitations | KTO's weaknesses                                        | 2402.01306
    limitations | limitations of segment anything                         | 2304.02643
    limitations | what are the drawbacks of LoRA?                         | 2106.09685
    limitations | limitations of 2305.14314                               | 2305.14314
    limitations | weaknesses of whisper                                   | 2212.04356
    limitations | what's wrong with LoRA?                                 | 2106.09685
    limitations | cons of mamba                                           | 2312.00752
    limitations | what are the main limits of flash attention             | 2205.14135
    limitations | any known problems with RAG?                            | 2005.11401
    filter      | by:haarnoja                                             | 1801.01290
    filter      | by:"douwe kiela" since:2024                             | 2402.01306
    filter      | diffusion in robotics                                   | 2303.04137
    filter      | diffusion since:2023 in:cs.CV                           | 2302.05543
    filter      | diffusion before:2021                                   | 2006.11239
    filter      | in:cs.SD sort:score                                     | 2212.04356 2006.11477
    filter      | best papers in retrieval                                | 2004.12832 2005.11401
    filter      | optimization 2014                                       | 1412.6980
    filter      | transformers in 2018                                    | 1810.04805
    filter      | in:cs.CL min:9.2                                        | 1706.03762
    filter      | reinforcement learning before 2018                      | 1707.06347
    filter      | diffusion in robotics about policies                    | 2303.04137
    filter      | in vision about radiance fields since 2021              | 2308.04079
    filter      | by:kingma before:2014                                   | 1312.6114
    filter      | sort:score in:cs.RO                                     | 2303.04137 2304.13705
    filter      | in:cs.RO diffusion                                      | 2303.04137
    filter      | min:9.3                                                 | 1706.03762
    filter      | by:mildenhall sort:new                                  | 2003.08934
    filter      | speech papers min 8                                     | 2212.04356 2006.11477
    filter      | highest rated papers                                    | 1706.03762
    filter      | highest rated diffusion papers                          | 2006.11239 2112.10752
    filter      | paper on gaussian splatting from 2023                   | 2308.04079
    filter      | bidirectional transformers between 2018 and 2019        | 1810.04805
    filter      | cs.SD                                                   | 2212.04356
    filter      | unflagged papers about radiance fields                  | 2003.08934 2308.04079
    topic       | bimanual manipulation                                   | 2304.13705
    topic       | speech recognition weak supervision                     | 2212.04356
    topic       | selective state spaces                                  | 2312.00752
    topic       | language agents with verbal feedback                    | 2303.11366
    topic       | rl language agents                                      | 2303.11366
    topic       | "speech representations"                                | 2006.11477
    topic       | text-to-image                                           | 2302.05543
    topic       | bidirectional transformers                              | 1810.04805
    topic       | late interaction passage search                         | 2004.12832
    topic       | variational bayes                                       | 1312.6114
    topic       | reflection tokens                                       | 2310.11511
    topic       | zero-shot transfer from captions                        | 2103.00020
    topic       | trust region                                            | 1707.06347
    topic       | entropy reinforcement learning off-policy               | 1801.01290
    topic       | adding control to diffusion                             | 2302.05543
    topic       | 4-bit finetuning                                        | 2305.14314
    topic       | zero redundancy kv cache                                | 2309.06180 2605.30574
    topic       | residual networks                                       | 1512.03385
    topic       | splatting                                               | 2308.04079
    topic       | speech recognition                                      | 2212.04356 2006.11477
    typo        | gaussian splats                                         | 2308.04079
    typo        | wav2vec2                                                | 2006.11477
    typo        | atention is all you ned                                 | 1706.03762
    typo        | prefrence optimisation                                  | 2305.18290
    typo        | masked auto-encoder                                     | 2111.06377
    typo        | proximal policy optimisation                            | 1707.06347
    typo        | sythesis of high-resolution images                      | 2112.10752
    typo        | speech recogniton                                       | 2212.04356
    typo        | retrieval augmentd generation                           | 2005.11401
    typo        | gausian splating                                        | 2308.04079
    typo        | segment anithing                                        | 2304.02643
    typo        | direct prefrence optimisation                           | 2305.18290
    similar     | something like NeRF                                     | 2308.04079
    similar     | papers similar to DPO                                   | 2402.01306 2403.07691 2606.00291
    similar     | more like 2303.04137                                    | 2304.13705 2112.10752 2606.00336
    similar     | papers like NeRF but newer                              | 2308.04079
    similar     | similar to LoRA                                         | 2305.14314
    """
)
"""Queries over the bundled sample. Some have further right papers among the real records."""

REAL_QUERIES = read_queries(
    """
    name        | swebench                                                | 2310.06770
    name        | swe bench                                               | 2310.06770
    name        | moviegen                                                | 2410.13720
    name        | qwen2vl                                                 | 2409.12191
    name        | qwen 2 vl                                               | 2409.12191
    name        | deepseek r1                                             | 2501.12948
    name        | deepseek v3                                             | 2412.19437
    name        | deepseek-v2                                             | 2405.04434
    name        | llama 3                                                 | 2407.21783
    name        | llama3                                                  | 2407.21783
    name        | starcoder2                                              | 2402.19173
    name        | musicgen                                                | 2306.05284
    name        | ORPO                                                    | 2403.07691
    name        | gemini 1.5                                              | 2403.05530
    name        | cog video x                                             | 2408.06072
    name        | mm1                                                     | 2403.09611
    name        | chameleon                                               | 2405.09818
    name        | agentbench                                              | 2308.03688
    name        | powerinfer                                              | 2312.12456
    name        | deepseak r1                                             | 2501.12948
    name        | movie gen meta                                          | 2410.13720
    title       | chatbot arena                                           | 2403.04132
    title       | absolute zero                                           | 2505.03335
    title       | self rewarding language models                          | 2401.10020
    title       | the flip side of rlhf                                   | 2605.30888
    title       | mixture of debaters                                     | 2606.29425
    title       | can OCR VLMs read devanagari                            | 2606.29213
    title       | survey of 3d mesh texturing                             | 2606.00137
    question    | which paper is about test-time compute scaling          | 2408.03314
    limitations | limitations of deepseek r1                              | 2501.12948
    limitations | what are KTO's drawbacks?                               | 2402.01306
    limitations | where does MusicGen fail                                | 2306.05284
    author      | yoshua bengio 2026                                      | 2606.29657
    author      | zick ising                                              | 2605.30355
    author      | Y. Bengio                                               | 2606.29657
    topic       | medusa decoding heads                                   | 2401.10774
    topic       | real world github issues                                | 2310.06770
    topic       | convertible codes                                       | 2606.28729
    topic       | brownian bridge channel estimation                      | 2606.28778
    topic       | sparse ising optimization                               | 2605.30355
    topic       | phonological perception of sign language                | 2606.28667
    filter      | latest deepseek paper                                   | 2501.12948
    filter      | mesh texturing in vision since last month               | 2606.00137
    compared    | kto and orpo                                            | 2402.01306 2403.07691
    """
)
"""Queries over the sample together with the real records, of which only ids and words of titles are here."""
