"""Queries of a person who saw neither the code nor the other queries, with the paper that each one means.

Opened on 29 November 2026, before anything was changed for them. That day, without the 6 ids, which were all
read right, 68 of 69 found their paper first and among the first three in their own library: the bundled
sample, or the real records. Over both libraries together, 67 of 69 did. The one missed is of the kind
"filter_words"; over both together, one of the kind "filter_typed" was missed too.
"""

from tests.digests.search.queries import read_queries

BLIND_SAMPLE_QUERIES = read_queries(
    """
    id              | arXiv:2302.05543v3 [cs.CV] 26 Nov 2023                             | 2302.05543
    id              | is it this one https://doi.org/10.48550/arXiv.2210.03629 ?         | 2210.03629
    exact_title     | Dense Passage Retrieval for Open-Domain Question Answering         | 2004.04906
    partial_title   | not what you signed up for                                         | 2302.12173
    partial_title   | image is worth 16 words                                            | 2010.11929
    acronym         | whisper                                                            | 2212.04356
    acronym         | qlora                                                              | 2305.14314
    author_year     | rombach 2021                                                       | 2112.10752
    author_year     | Gu and Dao 2023                                                    | 2312.00752
    question        | what are the limitations of diffusion policy                       | 2303.04137
    question        | has anyone aligned a model with only thumbs up / thumbs down, no pairs? | 2402.01306
    topic           | kv cache paging for serving, like an operating system              | 2309.06180
    topic           | cheap robot arms two hands action chunking                         | 2304.13705
    filter_typed    | speech sort:new                                                    | 2212.04356
    filter_typed    | preference by:finn min:8                                           | 2305.18290
    filter_typed    | retrieval reflection has:code since:2023-01                        | 2310.11511
    filter_words    | diffusion in robotics                                              | 2303.04137
    filter_words    | transformers for images in vision from 2020                        | 2010.11929
    typo            | guassian splating real time                                        | 2308.04079
    typo            | chian of thougt prompting                                          | 2201.11903
    plural_hyphen   | masked auto-encoder                                                | 2111.06377
    accent_latex    | kuttler lewis rag                                                  | 2005.11401
    accent_latex    | exact attention memory $O(n^2)$ to $O(n)$                          | 2205.14135
    word_order      | image recognition residual learning deep                           | 1512.03385
    abbreviation    | ddpm                                                               | 2006.11239
    """
)
"""Queries over the bundled sample."""

BLIND_REAL_QUERIES = read_queries(
    """
    id              | have you got 2605.30846v1 the counting one                         | 2605.30846
    id              | [2606.28999]                                                       | 2606.28999
    id              | export.arxiv.org/abs/2403.07691v2                                  | 2403.07691
    id              | arXiv:2605.31577v1 [cs.CV] 29 May 2026                             | 2605.31577
    exact_title     | Agent Safety Is Action Alignment                                   | 2606.28739
    exact_title     | smooth scaling laws hide stepwise token learning                   | 2606.29858
    exact_title     | On limitations of polyconvexity                                    | 2605.31392
    exact_title     | The Llama 3 Herd of Models                                         | 2407.21783
    partial_title   | if llms are human like then so is age of empires                   | 2605.31514
    partial_title   | do agents know when to stop                                        | 2606.28733
    partial_title   | wash away watermarks                                               | 2605.30501
    partial_title   | scaling test time compute better than scaling parameters           | 2408.03314
    acronym         | gptnt                                                              | 2606.28514
    acronym         | boutef corpus                                                      | 2606.00193
    acronym         | swebench                                                           | 2310.06770
    author_year     | bengio 2026                                                        | 2606.29657
    author_year     | Keenan Crane 2026                                                  | 2606.00454
    author_year     | Darji et al., 2026                                                 | 2605.31338
    question        | what are the limitations of musicgen                               | 2306.05284
    question        | does long chain of thought really help or is it just verbose       | 2606.30128
    question        | has anyone tested llms haggling over used cars                     | 2605.31445
    question        | that paper on resume screening and racial bias from this month     | 2606.28978
    topic           | stone inscriptions character segmentation                          | 2606.28859
    topic           | dents in hydrogen pipelines                                        | 2605.31560
    topic           | plankton dataset                                                   | 2606.00080
    topic           | consumer gpu hot and cold neurons                                  | 2312.12456
    filter_typed    | turkish in:cs.CL since:2026-01                                     | 2606.29614
    filter_typed    | remeshing by:panozzo sort:new                                      | 2605.30744
    filter_typed    | evaluating llms as agents has:code                                 | 2308.03688
    filter_words    | trying on rings in computer vision                                 | 2606.28792
    filter_words    | hungarian speech recognition since March                           | 2605.31469
    filter_words    | the deepseek one from december 2024                                | 2412.19437
    typo            | devnagari ocr vlm                                                  | 2606.29213
    typo            | mitocondria segmentaion sam                                        | 2605.31284
    typo            | cogvidoex text to video                                            | 2408.06072
    plural_hyphen   | self rewarding language model                                      | 2401.10020
    plural_hyphen   | nepali number-plates                                               | 2606.28946
    plural_hyphen   | flicker banding raw datasets                                       | 2606.29845
    plural_hyphen   | finger-print augmentation segmented                                | 2605.31001
    accent_latex    | intelegi romaneste                                                 | 2605.31401
    accent_latex    | muFlow deepfake faces                                              | 2606.30528
    accent_latex    | GUI-C2 grounding                                                   | 2605.30884
    word_order      | relation extraction few shot two stage prompt optimisation         | 2606.29639
    word_order      | sky color for non humans, what is it                               | 2606.28912
    word_order      | human preference llm evaluation open platform arena                | 2403.04132
    word_order      | layouts of wind farms offshore, bayesian optimization              | 2606.00009
    abbreviation    | marl hierarchical comms                                            | 2606.29126
    abbreviation    | pinn radial consolidation                                          | 2606.00056
    abbreviation    | sbm community recovery few queries                                 | 2606.02055
    abbreviation    | deepseek r1 rl                                                     | 2501.12948
    """
)
"""Queries over the real records, of which only ids and words of titles are here."""

BLIND_QUERIES = [*BLIND_SAMPLE_QUERIES, *BLIND_REAL_QUERIES]
"""All of them; any may be asked over both libraries together."""
