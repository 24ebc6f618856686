"""Patterns of prompt injections, by category, in English and other languages. Pure data.

Patterns are matched against lower-case text, and must take linear time. They use only the syntax that `re`
shares with Rust's regex engine, since `digests.injections` checks groups of rules with the latter.
"""

import re
from dataclasses import dataclass
from functools import cache

INSTRUCTION_OVERRIDE = "instruction_override"
REVIEW_STEERING = "review_steering"
SCORE_DEMAND = "score_demand"
ROLE_OR_CHAT_TOKEN = "role_or_chat_token"  # noqa: S105
HIDDEN_TEXT = "hidden_text"
TOOL_OR_EXFIL_REQUEST = "tool_or_exfil_request"


@dataclass(frozen=True, slots=True)
class InjectionRule:
    """A pattern and its category. With `is_command`, a match counts only if it is an imperative."""

    category: str
    source: str
    is_command: bool = True

    @property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern. All of them take a quarter of a second, and few texts need any."""
        return _compile_pattern(self.source)


@cache
def _compile_pattern(source: str) -> re.Pattern[str]:
    return re.compile(source)


BETWEEN = r"[\s*_~\"'’“”`()\\{}-]{1,4}"


def _make_rule(category: str, pattern: str, *, is_command: bool = True) -> InjectionRule:
    """Make a rule.

    A space in its pattern matches one to four spaces, hyphens, quotation marks or brackets.
    """
    return InjectionRule(category, pattern.replace(" ", BETWEEN), is_command)


_ALL = r"(?:(?:all|any|every|each|the|these|those|your|of|my|other|and|whatever|such) )*"
_EARLIER = (
    r"(?:previous(?:ly)?|prior|earlier|preceding|above|foregoing|system|existing|original|initial|former|"
    r"past|given|before|standing|default|received|safety|reviewing|review)"
)
_ORDERS_NOUN = (
    r"(?:instruct(?:ion|ed)s?|prompts?|directions?|directives?|guidelines?|rules?|orders|commands?|context|"
    r"messages?|criteria|guidance|rubric)"
)
_THIS_PAPER = (
    r"(?:this|the|our|present|submitted|current) (?:\w+ )?(?:paper|work|manuscript|submission|article|study|"
    r"research)"
)
_FAULTS = (
    r"(?:negatives?|negative (?:aspects?|points?|comments?|things?)|weakness(?:es)?|limitations?|flaws?|"
    r"shortcomings?|criticisms?|drawbacks?|concerns?|problems?|faults?|defects?|downsides?|issues|"
    r"weak (?:points?|spots?))"
)
_PRAISE = (
    r"(?:positive|favou?rable|glowing|enthusiastic|laudatory|supportive|complimentary|outstanding|excellent|"
    r"stellar|flattering|praising|good|great|rave)"
)
_VERDICT = (
    r"(?:reviews?|assessments?|evaluations?|feedback|ratings?|recommendations?|comments?|verdict|opinion|"
    r"report|scores?)"
)
_MACHINE = (
    r"(?:ais?|llms?|language models?|large language models?|gpt(?:-?\d)?|chatgpt|claude|gemini|chatbots?|"
    r"automated (?:reviewers?|systems?|agents?)|ai (?:reviewers?|assistants?|models?|systems?|agents?)|"
    r"llm (?:reviewers?|judges?|agents?)|artificial intelligence|machine reviewers?|reviewing models?)"
)
_FILL = r"(?:\w+ ){0,3}?"

RULES = (
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:ignore|disregard|forget|override|overlook|bypass|dismiss|discard|abandon|set aside|(?:do not|"
        r"don't|stop|no longer) (?:follow|obey|heed)(?:ing)?|pay no attention to|"
        r"do not pay attention to) (?:about )?"
        + _ALL
        + r"(?:"
        + _EARLIER
        + " "
        + _FILL
        + _ORDERS_NOUN
        + r"|"
        + _ORDERS_NOUN
        + r" (?:\w+ ){0,3}?(?:above|before|earlier|so far|given|previously|until now|prior|received|"
        r"preceding)|everything (?:\w+ ){0,2}?(?:above|before|earlier|so far|said|told|until now)|"
        r"what (?:you|i|they) (?:\w+ ){0,3}?(?:told|said|asked|instructed))",
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:these are|here are|follow|your|updated|start of|begin|the following) (?:the |your |"
        r"these )?new (?:system )?(?:instructions?|prompt|task|orders|directive|rules)\b",
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:(?:new|updated|revised|real|actual) (?:system )?(?:instructions?|prompt|directive|orders)|"
        r"(?:system|admin|developer) (?:override|overrule|notice|update)|admin (?:message|prompt)|"
        r"override)\s?[:：]",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:notes?|attention|message|instructions?|memo|dear|reminder|notice|important|hello|hi|hey|"
        r"warning)[,:]? "
        r"(?:(?:to|for|all|any|every|the|this|of) )*" + _MACHINE + r"\b[^.!?]{0,40}[:,!—–-]",
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:if|when|since|because|in case|as) (?:you|the reviewer|the reader|your reviewer|"
        r"whoever (?:reads|reviews) this) (?:are|is|'re|re|happen to be) "
        r"(?:an? |the |being )*(?:\w+ )?" + _MACHINE + r"\b",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:the |any |all |every )?(?:" + _MACHINE + r"|assistant|model) (?:reading|reviewing|processing|"
        r"evaluating|summari[sz]ing|grading|assessing|scoring|that (?:reads|reviews|processes)) (?:this|"
        r"the) (?:\w+ )?(?:text|paper|document|manuscript|submission|passage|abstract|content)\b,? (?:must|"
        r"should|shall|has to|have to|is to|are to|will|needs? to|please|is (?:required|instructed|asked))",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:give|write|provide|produce|output|generate|return|submit|deliver|leave|compose|issue|offer|"
        r"make|draft|prepare|render|respond with|reply with|answer with|ensure|grant) (?:(?:us|it|this|the|"
        r"paper|manuscript|work|submission|me|only|nothing but|a|an|your|very|strongly|highly|purely|"
        r"exclusively|overwhelmingly|extremely|entirely|fully|uniformly|solely|just|always|wholly) )*"
        + _PRAISE
        + r",? (?:[\w,-]+ ){0,3}?"
        + _VERDICT
        + r"\b",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:" + _PRAISE + r" (?:\w+ ){0,2}?" + _VERDICT + r" only(?:[.,;!]| and\b|$)|only (?:a "
        r"|write |give |"
        r"provide )?positive(?:ly)? (?:\w+ ){0,1}?" + _VERDICT + r"\b|"
        r"(?:say|write|mention|report) (?:only (?:good|positive)|nothing (?:bad|negative))\s?(?:things|"
        r"aspects|points|about)?)",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:(?:do not|don't|never|you must not|must not|should not|under no circumstances|"
        r"at no point) (?:\w+ )?(?:highlight|mention|discuss|point out|list|report|include|raise|note|"
        r"emphasi[sz]e|critici[sz]e|name|write about|bring up|reveal|dwell on|identify|state|flag|"
        r"comment on)|avoid (?:\w+ )?(?:mentioning|highlighting|listing|discussing|raising|pointing out|"
        r"naming|reporting)|refrain from (?:\w+ )?(?:mentioning|highlighting|listing|discussing|raising|"
        r"pointing out|naming|critici[sz]ing|reporting)|omit|downplay|suppress|conceal|leave out|withhold|"
        r"keep silent (?:about|on)|play down|gloss over) (?:(?:any|all|the|its|of|this|paper's|papers|our|"
        r"possible|potential|serious|major|every|their|"
        r"negative|or) )*" + _FAULTS + r"\b",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:(?:strongly |always |you must |you should |definitely |please )?(?:recommend|advise|suggest|"
        r"vote for|vote|argue for|push for|champion|propose|decide on|choose|select|endorse) (?:an? |the |"
        r"its |for |strong(?:ly)? |clear |immediate |unconditional |full |to |this |"
        r"outright )*(?:accept(?:ance|ing)?|publication|publishing)"
        r"(?: (?:of|for|as|without|at|with)\b| " + _THIS_PAPER + r"|[.!;\"”'*)]|$)|accept " + _THIS_PAPER +
        r")",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:" + _THIS_PAPER + r"|the authors?'? (?:paper|work)) (?:must|should|shall|has to|needs to|"
        r"ought to|deserves to|is to) (?:\w+ )?(?:be |receive |get |obtain |earn )(?:\w+ ){0,3}?(?:accepted|"
        r"praised|rated|scored|recommended|ranked|acceptance|accept|the (?:highest|top|best|maximum)|"
        r"maximum|perfect)\b",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:emphasi[sz]e|praise|highlight|stress|underline|focus (?:only |solely |exclusively |"
        r"entirely )?on|concentrate on|commend|laud|extol) (?:(?:only|solely|exclusively|the|its|this|"
        r"paper's|papers|our|of|work's|how|all|just) )+(?:exceptional|outstanding|groundbreaking|remarkable|"
        r"extraordinary|impactful|strengths?|novelty|originality|positives? (?:of|in|about|aspects|"
        r"points|sides?)|brilliance|merits?|"
        r"excellence|methodological rigou?r)\b",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\bimpactful contributions?\W.{0,40}\bmethodological rigou?r\W.{0,40}\bexceptional novelty\b",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:treat|consider|regard|describe|portray|present|characteri[sz]e|evaluate|judge|call|view|mark|"
        r"label|declare|name|rate) (?:"
        + _THIS_PAPER
        + r"|it) (?:as|to be)(?: of)? (?:an? |the |one of the |being |truly |highly |absolutely |in the )*"
        r"(?:outstanding|excellent|groundbreaking|seminal|exceptional|best|flawless|revolutionary|landmark|"
        r"must-read|award|impressive|strong accept)",
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:give|assign|award|rate|score|grant|set|return|output|mark|grade|select|choose|report|"
        r"pick|enter|allocate) (?:[\w'’]+,? ){0,7}?(?:(?:the |a |an )?(?:maximum|maximal|highest|top|full|"
        r"perfect|best(?: possible)?) (?:possible |overall |available |attainable )?(?:scores?|ratings?|"
        r"marks?|grades?|points)|10\s?/\s?10|ten out of ten|10 out of (?:10|ten)|5\s?/\s?5|five stars|"
        r"5 out of 5|strong accept|(?:an? |at |to |as )?(?:\d{1,2}|ten|nine)(?: or (?:higher|above|"
        r"more))? (?:for|in|on|across) (?:all|every|each) (?:of )?(?:the )?(?:criteri|dimension|categor|"
        r"aspect|item|question|axis|axes|field))",
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:rate|score|grade|rank) (?:" + _THIS_PAPER + r"|it|this|us) (?:with |as |at |a |an |no |not |"
        r"above |at least |the |number )*(?:10\b|9\b|ten\b|nine\b|lower than|less than|below|top|highest|"
        r"first|best|excellent|outstanding|higher|maxim|perfect)",
    ),
    _make_rule(
        SCORE_DEMAND,
        r"[\"'{]\s?(?:overall_?|final_?|total_?)?(?:score|rating|overall|soundness|methodology|"
        r"novelty)[\"']?\s?[:=]\s?[\"']?(?:10|9|5)\b",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:your|the) (?:final |overall )?(?:score|rating|grade|verdict) (?:must|should|shall|has to|"
        r"needs to|is to|will) (?:be|equal|not be|never be|exceed) ",
        is_command=False,
    ),
    _make_rule(
        ROLE_OR_CHAT_TOKEN,
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|eot_id|start_header_id|"
        r"end_header_id|endofprompt|channel|start)\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|<｜|"
        r"#{2,4}\s?(?:system|instruction|assistant|human|user)\s?[:：\n]|\[(?:system|admin|"
        r"developer)(?:[\s_](?:message|prompt|note|override))?\]?\s?[:：]|</?(?:system|"
        r"assistant)(?:[_-]?prompt)?>",
        is_command=False,
    ),
    _make_rule(
        ROLE_OR_CHAT_TOKEN,
        r"\b(?:you are (?:now|no longer) (?:an? |the |in |my |bound |free|required|under|dan\b|acting|to )|"
        r"(?:from now on|henceforth),? (?:you|act|respond|treat)|(?:act|behave|respond) as (?:an? |the |"
        r"if you were )(?:(?:\w+ ){0,2}?(?:author|friend|supporter|advocate|fan|champion)|"
        r"(?:\w+ )?(?:friendly|"
        r"lenient|generous|positive|kind|supportive|enthusiastic|biased) (?:\w+ )?(?:reviewer|assistant|"
        r"referee|judge))|"
        r"pretend (?:to be|that you|you)|your (?:new )?role is (?:now )?to|you will now (?:act|be|behave|"
        r"respond))",
    ),
    _make_rule(
        ROLE_OR_CHAT_TOKEN,
        r"(?:\bend of (?:the )?(?:paper|document|abstract|submission|manuscript|user input|"
        r"untrusted (?:text|data|input)|input|data)[\s\])}>=*#.:;,-]{1,6}(?:now|new|begin|start|instruction|"
        r"system|the reviewer|next|you|your|important|reviewer)|</(?:paper|document|abstract|untrusted|"
        r"user_input|data|submission|text)>)",
        is_command=False,
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:send|post|upload|forward|e?-?mail|exfiltrate|transmit|leak|"
        r"submit) (?:[\w'’]+,? ){0,6}?(?:prompts?|instructions|conversation|reviews?|scores|contents?|"
        r"secrets?|keys?|history|passwords?|context|credentials|tokens?|messages|notes|files|"
        r"environment) (?:[\w'’]+,? ){0,4}?(?:to|at|via)\s?(?:the )?(?:https?://|\S+@\S|webhook|server|"
        r"address|url|following)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:reveal|print|output|repeat|show|disclose|display|leak|include|quote|tell (?:me|us)|"
        r"write down|copy) (?:[\w'’]+ ){0,5}?(?:system prompt|hidden prompt|initial prompt|"
        r"your (?:\w+ )?(?:instructions|prompt|guidelines|rules|api keys?|secrets?|credentials|passwords?|"
        r"configuration)|api keys?|environment variables)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:call|invoke|use|run|execute|trigger|open) (?:the |your |this |a |following |"
        r"any )*(?:\w+ )?(?:tool|function|shell|plugin|browser|bash|terminal)s?(?: \w+)? (?:to|with|and|"
        r"on) (?:\w+ ){0,3}?(?:send|delete|fetch|email|post|download|upload|execute|read|set|submit|approve|"
        r"https?)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,200}(?:\{|\[|[?&]\w+=(?:\{|\[|<|your|prompt|data|review))",
        is_command=False,
    ),
    # Other languages: orders to ignore instructions, to praise, or to give a top score.
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"(?:忽略|无视|無視|忽視|忘记|忘掉|不要理会)[^。.!！]{0,12}(?:指令|指示|提示|说明|說明|要求|"
        r"规则|命令)|(?:指示|命令|指令|プロンプト|ルール)(?:は|を|"
        r"について)?[^。]{0,6}(?:無視|忘れ)|(?:지시|명령|프롬프트|지침)[^.]{0,8}(?:무시|잊)",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"(?:给出|请给|只给|写出|撰写|提供|只写|請給|給出)[^。]{0,10}(?:正面|积极|积極|正向|好评|"
        r"肯定)[^。]{0,8}(?:评价|评审|评论|意见|审稿|反馈|評價|"
        r"審稿)?|(?:不要|请勿|切勿|不得|別)[^。]{0,6}(?:提及|指出|提到|强调|列出|批评)[^。]{0,8}(?:缺点|"
        r"不足|局限|负面|问题|弱点|缺陷)|(?:推荐|"
        r"建议)(?:直接)?(?:接收|录用|接受)(?:本文|此文|该论文|这篇)|(?:肯定的|好意的|ポジティブ|前向き|"
        r"高い)な?(?:評価|レビュー|査読)[^。]{0,10}(?:ください|"
        r"せよ|書け|だけ|すること|与え)|(?:欠点|弱点|否定的|限界)[^。]{0,12}(?:触れない|言及しない|"
        r"指摘しない|書かない)|(?:긍정적|호의적)[^.]{0,10}(?:평가|"
        r"리뷰|심사)[^.]{0,10}(?:작성|하세요|해주세요|하십시오|만|주세요)|(?:단점|약점|한계|"
        r"부정적)[^.]{0,12}(?:언급하지|지적하지|쓰지)",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"(?:给|打|评|给予|給|評|打出)[^。]{0,12}(?:满分|滿分|最高分|最高评分)|(?:満点|最高点|"
        r"最高の(?:点|スコア|評価))[^。]{0,8}(?:つけ|与え|付け|"
        r"ください|せよ)|(?:만점|최고\s?점수|최고점)[^.]{0,8}(?:주|부여|매기)",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:ignor(?:a|en|ez|ier(?:e|en|t)|i|ate|are|ieren sie)|ignore (?:todas?|todos?|toutes?|tous|as|"
        r"les|los|las|quaisquer)|olvid(?:a|e|en)|oubli(?:e|ez)|vergiss|vergesse?n?(?: sie)?|esque[çc]a|"
        r"desconsider[ea]|missachte|dimentica(?:te)?|descarta|ne tenez pas compte d[eu]s?|"
        r"haz caso omiso de) (?:[\w'’]+ ){0,4}?(?:instru(?:cciones|[çc][õo]es|ctions)|instructions|"
        r"indicaciones|consignes|anweisungen|vorgaben|anleitungen|istruzioni|direttive|[óo]rdenes|ordens|"
        r"prompts?)\b|(?:игнорируй(?:те)?|забудь(?:те)?|не обращай(?:те)? внимания на) (?:[\w]+ "
        r"){0,4}?(?:инструкци|указани|команд|правил)|(?:تجاهل|انس)[^.]{0,20}(?:التعليمات|الأوامر|التوجيهات)",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:d[aé](?:me|nos)?|escrib[ae]|proporcion[ae]|redact[ae]|d[oe]nne[rz]?|donnez|r[ée]dige[rz]?|"
        r"[ée]cri(?:s|vez)|fournis(?:sez)?|gib|geben sie|schreibe?n?(?: sie)?|verfasse(?:n sie)?|"
        r"erstelle(?:n sie)?|d[êe]|escreva|forne[çc]a|dai|scriv[iae](?:te)?|fornisci|"
        r"fornite) (?:[\w'’]+ ){0,4}?(?:reseñas?|revisi[óo]n|evaluaci[óo]n|[ée]valuation|avis|critique|"
        r"gutachten|bewertung|rezension|avalia[çc][ãa]o|revis[ãa]o|recensione|"
        r"valutazione) (?:[\w'’]+ ){0,2}?(?:positiv\w*|favora\w*|favor[áa]vel|elogios\w*|[ée]logieu\w*)|"
        r"\b(?:gib|schreibe?n?(?: sie)?|geben sie|verfasse(?:n sie)?|erstelle(?:n sie)?|donnez|donne|"
        r"escribe|escreva) (?:[\w'’]+ ){0,4}?(?:positiv\w*|favorable\w*|wohlwollend\w*|"
        r"gut\w*) (?:[\w'’]+ ){0,1}?(?:gutachten|bewertung|rezension|[ée]valuation|avis|critique|rese[ñn]a|"
        r"avalia[çc][ãa]o)|(?:напиши(?:те)?|дай(?:те)?|составь(?:те)?|"
        r"оставь(?:те)?) (?:\w+ ){0,3}?(?:положительн|хвалебн|благоприятн)\w* (?:\w+ ){0,1}?(?:отзыв|"
        r"рецензи|оценк)|(?:اكتب|قدم|أعط)[^.]{0,16}(?:مراجعة|تقييم)[^.]{0,12}إيجابي",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:d[aé]|asign[ae]|otorg[ae]|pon|attribue[rz]?|donne[rz]?|mettez|vergib|vergeben sie|gib|"
        r"geben sie|atribua|d[êe]|assegna(?:te)?|dai) (?:[\w'’]+ ){0,5}?(?:puntuaci[óo]n (?:m[áa]s alta|"
        r"m[áa]xima)|nota (?:m[áa]xima|m[áa]s alta)|m[áa]xima (?:puntuaci[óo]n|nota|pontua[çc][ãa]o)|"
        r"note (?:maximale|la plus [ée]lev[ée]e)|meilleure note|h[öo]chste\w* (?:punktzahl|bewertung|note)|"
        r"bestnote|volle punktzahl|pontua[çc][ãa]o m[áa]xima|punteggio (?:massimo|pi[ùu] alto)|"
        r"voto massimo)|(?:поставь(?:те)?|дай(?:те)?|присвой(?:те)?) (?:\w+ ){0,4}?(?:максимальн|высш|"
        r"наивысш)\w* (?:балл|оценк)",
        is_command=False,
    ),
    # Orders in other words.
    _make_rule(
        SCORE_DEMAND,
        r"\b(?:(?:give|assign|award|grant|offer) (?:" + _THIS_PAPER + r"|it|us) (?:an? |the |very |full |"
        r"truly )*(?:high(?:er|est)?|top|best|maxim\w+|excellent|outstanding|generous|perfect|good) "
        r"(?:ratings?|scores?|marks?|grades?|evaluations?)|set (?:the|your) (?:\w+ )?(?:score|rating|grade) "
        r"to (?:10|ten|9|nine|5|five|(?:the|its) (?:maxim|high|top|best))|"
        r"(?:output|give|return|assign|report|print) (?:an? |the )?(?:\w+ )?(?:score|rating|grade) of "
        r"(?:at least )?(?:10|ten|9|nine)\b)",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:(?:approve|endorse|prefer|favou?r|champion) " + _THIS_PAPER + r"|(?:say|write|state|list|"
        r"report|include) (?:only |nothing but )?(?:good|nice|positive|kind|favou?rable) (?:things?|words|"
        r"aspects|remarks?|comments?|points?) (?:about|on|of|in)|avoid (?:any |all )?(?:negative|critical|"
        r"harsh|unfavou?rable) (?:remarks?|comments?|words?|statements?|language|feedback|points?)|"
        r"(?:make sure|ensure|see to it) (?:that )?(?:the|your) (?:\w+ )?(?:decision|verdict|"
        r"recommendation|rating|score|review|outcome) [^.]{0,30}?(?:is|be|are|says|reads) (?:an? )?(?:"
        r"accept|positive|favou?rable|10|high|strong))",
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:as (?:the|an?) (?:\w+ )?(?:assessor|reviewer|referee|judge|evaluator)[^.,]{0,30}, "
        r"?(?:please )?"
        r"(?:recommend|accept|approve|praise|award)|(?:when|whenever|while|once) you (?:write|draft|prepare|"
        r"compose) (?:the|your|a) (?:review|report|assessment|evaluation)[^.]{0,40}(?:leave out|omit|"
        r"prais|positive|favou?r|novelty)|(?:weakness(?:es)?|limitations?|negatives?|flaws) (?:section|"
        r"field|box|list|part) (?:has to|must|should|is to|shall|ought to) (?:stay|be|remain) (?:left )?"
        r"(?:empty|blank|short)|leav(?:e|ing) the (?:\w+ ){0,3}?(?:weak\w*|limitations?|negatives?|flaws) "
        r"(?:\w+ ){0,2}?(?:empty|blank)|your (?:tl;?dr|summary|review|report|answer|verdict|evaluation|"
        r"assessment)(?: of [\w ]{0,30})? (?:must|should|has to|needs to|ought to|shall|is to) (?:\w+ )?"
        r"(?:call|be|prais\w*|say|describe|end|conclude|recommend|read) [^.]{0,30}?(?:best|favou?r|positive|"
        r"excellent|accept|outstanding|groundbreaking|publi|praise))",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:" + _MACHINE + r"|machines?|computers?|assistants?|models?|referees?|readers?|robots?) "
        r"(?:(?:of|made|that|which|who|reading|assess\w*|review\w*|process\w*|read\w*|grad\w*|judg\w*|"
        r"silicon|"
        r"these|this|the|text|paper|pages|lines|document|submission|manuscript) ){0,6}?"
        r"(?:must|should|ought to|shall|will surely|has to|have to|is to|are to|(?:is|are) (?:invited|asked|"
        r"expected|requested) to|to be) (?:\w+ ){0,2}?(?:give|recommend|assign|rate|prais\w*|accept|award|"
        r"conclude|grade|generous|place|prefer)[^.!?]{0,60}? (?:this|present|these) (?:\w+ )?(?:paper|work|"
        r"submission|manuscript|text|article|pages|study)\b",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:(?:machines?|computers?|silicon|ai readers?|assistants?|models?|non-human readers?|referees?) "
        r"[^.!?]{0,40}(?:this text|these lines|these pages|this paper|this document|process(?:es)? this)"
        r"[^.!?]{0,12} (?:ought to|(?:is|are) (?:invited|asked|expected) to|should|must|to be|would|will) "
        r"(?:\w+ ){0,3}?(?:conclude|prais|generous|place|see only|find nothing|recommend|say only|kind)|"
        r"(?:non-human|ai|machine|automated|digital|llm) (?:readers?|reviewers?|referees?)[:,] (?:the |"
        r"please )|"
        r"(?:the|your) (?:(?:assistant|reviewer|model|referee|reader)(?:'s|’s)? )?task (?:has|is) (?:now )?"
        r"(?:changed|to praise)|dear (?:\w+ )?(?:model|machine|ai|assistant|llm|robot)\b|"
        r"dear (?:digital|automated|artificial|electronic) \w+|(?:it is )?expected of (?:ai|machine|"
        r"automated|llm) (?:readers?|reviewers?)|(?:asked for its opinion|asked for an opinion)[^.]{0,20} "
        r"(?:proper|correct|right|only) (?:answer|verdict|grade)|you are about to produce)",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:new instructions? (?:from|by) (?:the )?(?:\w+ )?(?:chairs?|editors?|organi[sz]ers?|"
        r"developers?|"
        r"committee|operator|administrator)|(?:your (?:\w+ ){0,2}?" + _ORDERS_NOUN + r"|(?:above|previous|"
        r"former|given|review(?:ing)?) rubric) (?:is|are|no longer|do not|does not) (?:now )?(?:void|"
        r"obsolete|"
        r"cancell?ed|superseded|invalid|replaced|suspended|lifted|apply|applies|hold|valid)|"
        r"system: [^.]{0,30}(?:policy|rules?|guidelines?) (?:is|are|has been|have been) (?:updated|changed|"
        r"suspended)|assistant: (?:\w+: )?(?:this|the) (?:paper|work|manuscript) is)",
        is_command=False,
    ),
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"\b(?:stop|cease|quit) (?:being|acting as|behaving like) (?:an? |the )?(?:\w+ )?(?:reviewer|critic|"
        r"referee|assistant|judge)",
    ),
    _make_rule(
        TOOL_OR_EXFIL_REQUEST,
        r"\b(?:repeat (?:the |all |any )*(?:text|words|content|lines?|sentences?|messages?) (?:\w+ "
        r")?(?:above|"
        r"before|preceding)|(?:copy|repeat|print|output|quote|reproduce) (?:everything|all|anything|"
        r"whatever) "
        r"(?:\w+ ){0,3}?(?:above|before|preced\w+|prior)|(?:reveal|disclose|print|output|share|show|leak|"
        r"expose|state) (?:the |your |all |its |me |us )*(?:\w+ ){0,2}?(?:rubric|guidelines|instructions|"
        r"prompt|message|configuration) [^.]{0,30}?(?:you\b|your\b|verbatim|in full|of this conversation)|"
        r"tell (?:us|me) (?:which|what) (?:model|prompt|instructions|system|version) you|"
        r"(?:write|list|translate|print|summari[sz]e|output|give|state) (?:down )?(?:the|your|all|any) "
        r"(?:\w+ )?(?:instructions|guidelines|rules|prompt|orders) (?:that )?you (?:have |were |are |had |"
        r"been )*(?:received|given|got|told)|(?:encode|embed|hide|append|put|paste|attach|include) "
        r"(?:(?:the|your|all|content|contents|of) )*(?:your (?:\w+ )?(?:configuration|prompt|instructions|"
        r"context|conversation)|(?:system|hidden|initial) (?:prompt|message|instructions))|"
        r"(?:add|insert|embed|include|open|visit|fetch|load) (?:an? |the )?(?:\w+ ){0,2}?(?:to|from|at)? ?"
        r"https?://\S{1,120} (?:followed by|with|and|plus|containing) (?:your|the) (?:prompt|instructions|"
        r"conversation|context|system))",
    ),
    # Further languages: Hindi, Turkish, Dutch, Polish, Vietnamese, Indonesian, polite German.
    _make_rule(
        INSTRUCTION_OVERRIDE,
        r"निर्देश[^।.]{0,24}(?:अनदेखा|नज़रअंदाज़|भूल)|(?:talimat|yönerge|komut)\w*[^.]{0,12} (?:yok say|"
        r"görmezden "
        r"gel|unut|dikkate alma)|\b(?:negeer|vergeet) (?:\w+ ){0,3}?(?:instructies|aanwijzingen|opdrachten|"
        r"regels)|\b(?:zignoruj|ignoruj|pomiń|zapomnij)(?:cie)? (?:\w+ ){0,4}?(?:instrukcj|polece|wskazów|"
        r"zasad)|\bbỏ qua (?:\w+ ){0,4}?(?:hướng dẫn|chỉ dẫn|chỉ thị|lệnh)|\b(?:abaikan|lupakan) (?:\w+ )"
        r"{0,3}?(?:instruksi|perintah|petunjuk|arahan)|\b(?:anweisungen|vorgaben|anleitungen) (?:\w+ ){0,2}?"
        r"(?:außer acht|ignorieren|unbeachtet|vergessen|missachten)",
        is_command=False,
    ),
    _make_rule(
        SCORE_DEMAND,
        r"(?:सबसे ऊँचा|सबसे ऊंचा|सर्वोच्च|उच्चतम|सबसे अधिक|पूरे)[^।.]{0,12}(?:स्कोर|अंक|"
        r"रेटिंग)[^।.]{0,8}(?:दें|दीजिए|दो)|"
        r"\b(?:en yüksek|tam) (?:puan|not|skor)\w{0,2} (?:\w+ )?ver(?:in|iniz)?\b|\bgeef (?:\w+ "
        r"){0,4}?(?:hoogste|"
        r"maximale|beste|topscore)|\b(?:daj|przyznaj|wystaw|nadaj)(?:cie)? (?:\w+ ){0,3}?(?:najwyższ|"
        r"maksymaln)\w* (?:ocen|punkt|not)|\bhãy [^.]{0,24}(?:điểm|đánh giá) (?:cao nhất|tối đa)|"
        r"\b(?:beri|berikan|berilah) (?:\w+ ){0,4}?(?:skor|nilai|peringkat) (?:tertinggi|maksimal|sempurna|"
        r"terbaik)|\b(?:bewerten|beurteilen|benoten) sie [^.!?]{0,50}(?:bestnote|höchst|sehr gut|positiv|"
        r"hervorragend)|أعط[^.]{0,20}(?:أعلى|أقصى) (?:درجة|علامة|تقييم)",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"केवल सकारात्मक[^।.]{0,20}(?:लिखें|लिखिए|दें)|(?:कमी|कमज़ोरी|खामी|सीमा|कमियाँ|कमियों|"
        r"कमियां)[^।.]{0,12} (?:मत|न) "
        r"(?:बता|लिख|उल्लेख)|स्वीकार करने की (?:सिफारिश|अनुशंसा)[^।.]{0,6}(?:करें|कीजिए)|\bolumlu (?:\w+ "
        r"){0,3}?"
        r"(?:yaz|yazın|yazınız|ver|verin)\b|\bkabul(?:ünü| edilmesini) (?:\w+ )?(?:öner|tavsiye "
        r"et)(?:in|iniz)?\b|"
        r"(?:zayıf yön|eksik|kusur|sınırlama)\w* (?:\w+ ){0,2}?(?:bahsetme|söz etme|belirtme|yazma)"
        r"(?:yin|yiniz)?\b|\bbeveel (?:\w+ ){0,4}?(?:acceptatie|aanvaarding|publicatie)|\bschrijf (?:\w+ )"
        r"{0,3}?(?:lovende?|positieve?|gunstige?) (?:\w+ )?(?:beoordeling|recensie|review)|\b(?:noem|vermeld|"
        r"bespreek) (?:\w+ ){0,2}?geen (?:\w+ )?(?:zwak|beperking|nadelen|tekortkoming|punten)|"
        r"\b(?:zarekomenduj|rekomenduj|poleć|zaleć)(?:cie)? (?:\w+ ){0,2}?(?:przyjęci|akceptacj|publikacj)|"
        r"\bnapisz(?:cie)? (?:\w+ ){0,2}?(?:pozytywn|pochlebn|przychyln)|\bnie (?:wymieniaj|wspominaj|"
        r"podawaj|"
        r"opisuj|wskazuj)(?:cie)? (?:\w+ ){0,3}?(?:słabo|wad|ograniczeń|niedociągnięć|brak)",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"\b(?:đề nghị|đề xuất|khuyến nghị) chấp nhận|\bchỉ viết [^.]{0,16}(?:tích cực|tốt)|\b(?:đừng|"
        r"không được|"
        r"chớ) (?:nêu|nhắc|đề cập|chỉ ra)[^.]{0,20}(?:hạn chế|điểm yếu|nhược điểm|thiếu sót)|"
        r"\brekomendasikan (?:\w+ ){0,3}?(?:penerimaan|diterima|publikasi)|\b(?:tulis|tuliskan|berikan) "
        r"(?:\w+ ){0,2}?(?:ulasan|tinjauan|penilaian) (?:\w+ )?positif|\b(?:jangan|hindari) (?:sebut|tulis|"
        r"bahas|menyebut|ungkap)\w* (?:\w+ ){0,3}?(?:kelemahan|kekurangan|keterbatasan)|\bempfehlen sie "
        r"[^.]{0,20}annahme|\bkeine (?:schwäche|mängel|nachteil|kritikpunkt|einschränkung)\w* (?:zu "
        r")?(?:nennen|"
        r"erwähnen|anführen)|\b(?:nennen|erwähnen) sie (?:\w+ ){0,3}?keine\w* (?:schwäche|mängel|nachteil|"
        r"kritik|einschränkung)|\b(?:recommande[zr]?|recomiend[ae]|recomende|raccomanda(?:te|ne)?) [^.]{0,16}"
        r"(?:acceptation|aceptaci[óo]n|aceita[çc][ãa]o|accettazione)|\bne (?:mentionnez|signalez|citez) "
        r"(?:pas|"
        r"aucun)[^.]{0,20}(?:faibless|limite|défaut)|\bno (?:menciones?|señales?) [^.]{0,20}(?:debilidad|"
        r"limitaci|defecto)|(?:рекомендуй|порекомендуй)(?:те)?[^.]{0,20}(?:публикаци|приняти|принять)|не "
        r"(?:упоминай|указывай)(?:те)?[^.]{0,20}(?:недостат|слаб|ограничен)|أوص[^.]{0,10}قبول",
        is_command=False,
    ),
    _make_rule(
        REVIEW_STEERING,
        r"(?:请|请您|并|並|務必|务必)[^。]{0,12}(?:推荐|建议|推薦)(?:接收|录用|接受|錄用)|"
        r"採択を?(?:推薦|勧め|推奨)[^。]{0,6}(?:ください|せよ|すること)|"
        r"(?:欠点|弱点|短所|限界)[^。]{0,6}(?:触れない|言及しない|書かない|触れず)|(?:paper|論文) "
        r"?を[^。]{0,8}accept|채택[^.]{0,6}(?:추천|권장)"
        r"[^.]{0,4}(?:주세요|하세요|하십시오|바랍니다)|[一-鿿][^。.]{0,12}(?:strong(?:ly)? accept|"
        r"recommend accept|(?:give|rate) this "
        r"paper)|只(?:输出|写|给|寫)[^。]{0,6}(?:正面|积极|肯定)",
        is_command=False,
    ),
)  # fmt: skip
