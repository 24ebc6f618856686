"""Words by which an order to a reviewer is recognised: patterns of signals. Pure data.

Patterns are matched against a lower-case sentence, in the syntax of Rust's regex engine. A space matches one
to four spaces, hyphens, quotation marks or brackets, as in `digests.injection_rules`.
"""

from collections.abc import Mapping

_MACHINE_WORD = (
    r"(?:ais?|llms?|vlms?|language models?|chat models?|gpt(?:-?\d)?|chatgpt|claude|gemini|copilot|chatbots?|"
    r"bots?|neural net(?:work)?s?|artificial intelligences?|machine intelligence|software|robots?|machines?)"
)
_KIND_OF_MACHINE = (
    r"(?:ai|llm|machine|automat\w+|digital|silicon|electronic|artificial|synthetic|non-?human|virtual|"
    r"robotic|algorithmic|computer\w*|model|neural|language model)"
)
_READER = (
    r"(?:readers?|reviewers?|referees?|evaluators?|assessors?|judges?|graders?|critics?|raters?|agents?|"
    r"tools?|"
    r"summari[sz]ers?|screeners?|editors?|assistants?|evaluations?|assessments?|reviews?|screening|triage|"
    r"systems?|pipelines?|friends?|colleagues?|decisions?|verdicts?|grading|scoring|rating)"
)
_MACHINE_READER = (
    rf"{_KIND_OF_MACHINE}(?: (?:based|driven|powered|assisted|generated))? (?:\w+ )?{_READER}|"
    r"(?:grading|reviewing|scoring|review|rating|screening|evaluation) (?:systems?|models?|agents?|bots?|"
    r"tools?|"
    r"software|assistants?|engines?)|reviewer (?:agents?|models?|bots?)|summari[sz]ers?"
)
_READS = (
    r"(?:read|process|review|grad|assess|evaluat|summari[sz]|judg|scor|rat|screen|pars|analy[sz]|compar|"
    r"inspect|check|handl|ingest|scann?|digest|rank|mark|examin|condens|meet|see|encounter)(?:ing|es|s|ed|e)?"
)
_PAPER_NOUN = (
    r"(?:paper|manuscript|submission|article|text|document|preprint|pages?|lines?|passage|item|work|study|"
    r"sentence|paragraph|section)"
)
_THIS = r"(?:this|these|the present|the (?:submitted|attached|enclosed|above|current)|our)"
_ASKED_TO_JUDGE = (
    r"(?:asked|tasked|assigned|requested|prompted|called upon|entrusted|charged|instructed) (?:\w+ ){0,2}?"
    r"(?:to|with|about|for|whether|if)\b"
)
_GRADE = r"(?:scores?|ratings?|marks?|grades?)"
_REVIEW_NOUN = (
    r"(?:review|report|assessment|evaluation|summary|answer|output|json|verdict|response|recommendation|"
    r"ratings?|"
    r"scores?|comments?|decision|feedback|judge?ment|appraisal|critique|write-?up|tl;?dr|form|reply|"
    r"conclusion|"
    r"opinion|grades?|marks?|confidence)"
)
_FAULT = (
    r"(?:weakness\w*|weak points?|limitations?|flaws?|drawbacks?|critici\w+|critical|shortcomings?|concerns?|"
    r"objections?|negatives?|missing|small samples?|lack of|failed|faults?|defects?|downsides?|problems?|"
    r"caveats?|reservations?|deficienc\w+|mistakes|disadvantages?|negative \w+|errors)"
)

_COMMAND_VERB = (
    r"(?:sort|rewrite|take|close|weigh|suppress|give|assign|award|rate|score|grade|mark|set|place|rank|pick|"
    r"choose|select|prefer|treat|regard|"
    r"consider|describe|call|present|portray|praise|stress|emphasi[sz]e|highlight|say|state|write|report|"
    r"answer|reply|respond|conclude|recommend|accept|approve|endorse|raise|lift|increase|fill|list|leave|"
    r"omit|skip|drop|pass over|overlook|hide|keep|refrain|avoid|do not|don't|never|make|ensure|remember|"
    r"assume|transfer|output|return|print|produce|provide|submit|vote|argue|favou?r|act|count|judge|deem|"
    r"declare|find|enter|go|be (?:kind|generous|lenient|gentle|nice|positive)|see to it|forget|ignore|"
    r"disregard|stop|look past|credit|grant|allocate|note|focus|repeat|reveal|open|render|include|translate|"
    r"append|copy|encode|show|tell|visit|fetch|post|send|quote|reproduce|disclose|add|insert|paste|attach|"
    r"recite|echo|dump|embed|overstate|exaggerate|pretend|mention|evaluate|assess|review|begin|start|end|"
    r"finish|replace|forward|conceal|support|follow|use|stay|trust|comply|obey|e-?mail|record|deduct|"
    r"round up|withhold|play down|downplay|cite|name|spare|reward|nominate|admit|let|promote|help|confirm|"
    r"agree|adopt|apply|display|expose|leak|upload|download|put (?:this|our)|classify|label|speak|try|look|"
    r"be an? (?:\w+ )?(?:judge|reviewer)|execute|run|load|extract|spell|read out)"
)

ENGLISH: Mapping[str, str] = {
    "machine": rf"\b(?:{_MACHINE_WORD}|{_MACHINE_READER}|by (?:machine|algorithm)|assistants?|"
    rf"(?:reviewer|reader|referee|reviewing|review|grading) (?:is|was|being) (?:automat\w+|"
    rf"an? {_MACHINE_WORD})|"
    r"(?:other than|no|not|unless you are) (?:an? )?(?:human|person|people))\b",
    "reads this": rf"\b{_READS} (?:of |through |over )?{_THIS} (?:\w+ )?{_PAPER_NOUN}\b|"
    rf"\bgoing through {_THIS} (?:\w+ )?{_PAPER_NOUN}\b|"
    rf"\b{_READS} (?:this|it)\b|^\W*(?:should|in case) [^.]{{0,40}}\b{_ASKED_TO_JUDGE}|"
    rf"^\W*(?:language |all |any |those |the )*models? (?:that |which )?{_READS} |"
    r"\b(?:produc|writ|draft|generat)(?:es|ing|e) (?:the )?reviews?\b|"
    rf"\b(?:this|the present) (?:\w+ )?{_PAPER_NOUN} (?:is|was|has been|gets) (?:\w+ )?{_READS}",
    "address": (
        rf"^\W*(?:(?:an? )?(?:\w+ )?(?:note|message|notice|remark|reminder|hint|word|request|instructions?|"
        rf"memo|notification|advice|info\w*) )?(?:to|for|dear|attention|attn|hello|hi|hey) (?:\w+ ){{0,3}}?"
        rf"(?:{_MACHINE_READER}|{_MACHINE_WORD}|models?)\b[^.]{{0,60}}[,:;!—–-]|"
        rf"(?:^|[\"“>:(]\s?)\W*(?:(?:the )?(?:assistant|model|ai|llms?|chatbot|language models?|"
        rf"dear \w+\s?\w*)\s?,|"
        rf"(?:{_MACHINE_READER}|dear \w+\s?\w*|llms|language models)\s?[:,])|"
        rf"\b(?:if|when|since|because|in case|as|given that|supposing|assuming|provided|unless|should) you "
        rf"(?:are|'re|happen to be|were|be) (?:\w+ ){{0,3}}?(?:{_MACHINE_WORD}|{_MACHINE_READER}|model|"
        rf"automated|"
        r"human)\b|"
        rf"\bas (?:the|an?) (?:\w+ ){{0,2}}?(?:{_MACHINE_WORD}|{_MACHINE_READER}|model|"
        rf"assistant) [^.]{{0,30}}"
        rf"\b{_READS}|\bas (?:the|an?) (?:\w+ ){{0,2}}?(?:{_MACHINE_WORD}),? you\b|"
        r"\b(?:silicon|non-?human|electronic|robotic|mechanical|synthetic|artificial|digital) "
        rf"(?:\w+ )?(?:readers?|reviewers?|referees?|assessors?|critics?|colleagues?|friends?|minds?)\b|"
        r"\b(?:human readers?|humans|people) (?:may|can|should|must|are free to|will) (?:\w+ )?(?:skip|"
        r"ignore|"
        r"disregard|pass over)\b|\byou are reading this (?:as|because|in|for)\b|"
        rf"\b(?:whoever|anyone|anybody|anything|everyone else|everybody else|any (?:system|tool|agent|"
        rf"model)) "
        rf"[^.]{{0,40}}\b{_READS} (?:this|these|the present|our)\b|"
        r"\b(?:in the event that|in case|if|when|whenever) (?:an? )?"
        rf"(?:{_MACHINE_READER}|{_MACHINE_WORD}) [^.]{{0,30}}\bthe (?:review|summary|rating|assessment)\b|"
        r"\bno human is (?:in|reading)|\banything other than a human\b|"
        rf"\b(?:fed|given|shown|sent|passed|handed|submitted) (?:in)?to (?:an? |any )?{_MACHINE_WORD}\b|"
        rf"\brun by an? (?:model|{_MACHINE_WORD})\b|\b(?:where|when|whenever|if|once) (?:an? |any )?"
        rf"(?:{_MACHINE_WORD}|{_MACHINE_READER}) (?:is|are) (?:used|employed|asked|in charge|helping|"
        rf"involved)\b|"
        r"^\W*(?:for|to) (?:all |any )?(?:language )?models,|"
        rf"\bthank(?:s|ful|ing)? (?:to )?(?:the |our |any |every )?(?:{_MACHINE_READER})\b|"
        r"\bdear (?:\w+ )?(?:reviewer|referee|reader|judge|evaluator|assessor|model|machine|ai)\b|"
        r"\b(?:reviewers?|referees?|graders?),? (?:please|kindly|you must)\b|"
        rf"\bthank\w* (?:the |any )?{_MACHINE_WORD} (?:that|which|who) [^.]{{0,20}}(?:review|read|judg|grad|"
        rf"assess)|"
        r"\bdecode (?:the|and|it|this|what)\b|\bjudge of silicon|\bmachine judges\b"
    ),
    "tag": (
        r"</?(?:system|instructions?|assistant\w*|reviewer|tool_\w+|developer|admin|command|"
        r"order)\b[^>]{0,20}>|"
        r"\[/?(?:system|inst|admin|developer)[^\]]{0,12}\]|###\s?(?:response|instruction|system|assistant)|"
        r"<\|\w{1,20}\|>|\brole[\"']?\s?:\s?[\"']?(?:system|developer)|\b(?:begin|start|"
        r"end) (?:of )?(?:hidden |"
        r"secret |new )?instructions\b|\bend of (?:paper|document|submission|text)\b|\bpolicy update\b"
    ),
    "you": r"\b(?:you|your|yours|yourself)\b",
    # "In this paper" says where something stands; it is the target of nothing.
    "paper": (
        rf"(?:^\W*|[,.;:!?]\W*|\b(?:[a-hj-z]\w*|i|i[a-mo-z]\w*|in\w+) ){_THIS} (?:\w+ )?(?:{_PAPER_NOUN})\b|"
        r"\bthis one\b|\b(?:rate|give|score|help|rank|grant|place|spare|favou?r) us\b|"
        r"\b(?:tell|credit|give|let|with|to|for|of|that) the authors\b|\bhere\b"
    ),
    "the paper": (
        r"\b(?:the|every|each|all) (?:\w+ )?(?:paper|work|manuscript|submission|article|one before|text)s?\b"
    ),
    "output": (
        rf"\byour (?:\w+ ){{0,2}}?{_REVIEW_NOUN}\b|\b(?:in|of|into|with|to|close|end|finish|start|begin|open|"
        r"conclude|write|keep|make|fill) the (?:\w+ )?(?:review|report|summary|tl;?dr)\b|\b(?:assign|give|"
        r"write|set|fill in|enter) the (?:\w+ )?"
        rf"(?:rating|review|score|verdict)\b|"
        r"\b(?:weakness(?:es)?|limitations?|strengths?|novelty|score|rating|recommendation|soundness|"
        r"decision|"
        r"impact|review) (?:field|section|box|list|part|column|form|entry)\b|"
        r"\blist of (?:\w+ )?(?:weaknesses|"
        r"limitations)\b|\bpart on (?:weaknesses|limitations)\b|\breview outcome\b|\bfield for \w+"
    ),
    "demand": (
        r"\b(?:must|should|shall|ought to|has to|have to|needs? to|is to|are to|be to|will want to|"
        r"would want|"
        r"(?:is|are|be) (?:\w+ )?(?:expected|asked|invited|requested|required|instructed|obliged|encouraged|"
        r"supposed|urged|advised)|kept for the record|has instructed|have been instructed|please|kindly|"
        r"will (?:now|please|surely)|make sure|be sure|ensure|remember|would do well|would be (?:kind|nice|"
        r"lovely|wise|fair|an? (?:pity|shame|error|mistake)|unjust|wrong|unfair)|appropriate|"
        r"(?:the )?(?:proper|"
        r"correct|right|only|expected|true|fair|fitting|suitable) (?:\w+ )?(?:answer|verdict|grade|score|"
        r"outcome|response|rating|result|way|decision)|we (?:ask|expect|request|urge|would ask|kindly ask|"
        r"count on|trust|would like you|want you)|(?:asks|demands|requires|orders) that|by order of|"
        r"reply with|answer with|is off limits|cannot be anything|need not|you will|no matter what|"
        r"regardless of|have to be|do us a favou?r|counts as|belongs|is set to)\b"
    ),
    "command": (
        r"(?:^|[.!?;:,—–(\[\"“'‘>/|*=]\s?|- |\b(?:please|kindly|then|just|simply|always|only|now|also) )"
        rf"{_COMMAND_VERB}(?:[\s:,;\"'“(\[]|$)"
    ),
    "begins with command": (
        rf"^\W*(?:(?:please|kindly|then|just|simply|always|only|now) )?{_COMMAND_VERB}(?:[\s:,;\"'“(\[]|$)"
    ),
    "score": (
        r"\b(?:(?:highest|top|maximum|maximal|full|perfect|best|topmost|upper|excellent|good|great|high|"
        r"kindest|friendliest|generous|outstanding|superior) (?:possible |available |overall |attainable |"
        rf"number of |\w+ing )?(?:{_GRADE}|points|brackets?|tier|band|shelf|class|end of the scale|"
        rf"confidence)|"
        r"(?:10|ten|9(?:\.\d)?)\s?(?:/|out of|of)\s?(?:10|ten)\b|5\s?/\s?5|five stars|"
        rf"{_GRADE}(?: \w+){{0,5}}?\s?(?:=|:|to|of|at|as|it|is|be|above|over|an?)\s?(?:an? )?(?:at least )?"
        r"(?:10|9|8|ten|nine|eight|excellent|outstanding|maximum|4\.)\b|"
        r"(?:overall|novelty|soundness|clarity|originality|significance|correctness|presentation|"
        r"contribution|"
        r"reproducibility|quality|rigou?r)(?: \w+){0,3}?\s?(?:=|:|to|of|at|as|it|is|be)\s?(?:an? )?(?:10|9|5|"
        r"ten|nine|five|excellent|outstanding|maximum|4\.)\b|mark (?:it|this) \d|"
        rf"(?:raise|lift|increase|bump|boost|round up|inflate) (?:\w+ ){{0,4}}?{_GRADE}|round up to|"
        r"grade inflation|(?:above|over|ahead of|before|better than) (?:every|all|any) (?:the )?others?|"
        r"(?:as|declare (?:it|us|ours)) the (?:winner|best|stronger|better)|first place|top \d+ percent|"
        r"to the top|probability of acceptance|confidence to|verdict to|to the fullest|not below \d|"
        r"(?:merits?|gets?|deserves?|earns?|receives?|is|worth|give it|give this|award) (?:an? |the )?(?:10|"
        r"ten|5|"
        r"five)|all boxes with|upper end|comes first|(?:reviews?|anything|scores?) below \d|your (?:final |"
        r"overall )?(?:score|rating|verdict|decision|grade) (?:must|should|has to|is to|will|needs to)|"
        r"low(?:er)? (?:score|rating|mark)|at the (?:very )?top|as high|top tier|(?:prefer|favou?r|pick|"
        r"choose|select|rank) (?:this|our) \w+|"
        r"(?:nothing|not|never|no|any|anything) (?:\w+ ){0,3}?(?:lower|less|below|under) (?:than )?(?:an? |"
        r"the )?"
        r"(?:score of |top )?(?:7|8|9|10|eight|nine|ten|shelf|excellent)|deduct (?:nothing|no)|bottom of the "
        rf"scale|award quality|strong accept|low(?:er)? {_GRADE}|at least (?:an? )?(?:8|9|10)|(?:give|gave|"
        r"assign|deserves|enter|put|write) (?:\w+ ){0,4}?(?:an? )?(?:8|9|10)\b|credit for all)\b|"
        r"\btop \d+\s?%"
    ),
    "accept": (
        r"\b(?:strong(?:ly)? accept|(?:recommend|suggest|advise|vote|propose|argue|push|support|endors|"
        r"deserv|"
        r"merit|warrant)\w* (?:\w+ ){0,3}?(?:accept\w*|publication|publishing|oral|spotlight|award|"
        r"reject\w*)|"
        r"accept (?:(?:this|our|the) (?:\w+ )?(?:paper|manuscript|submission|work|article|text)|it|us)|"
        r"acceptance without|"
        r"(?:choose|and|say|is|to|as|with|begin|respond) accept|reject\w* (?:of )?(?:this|us|our)|"
        r"answer\W[^.]{0,30}\baccept\w*|(?:outcome|verdict|decision|recommendation|"
        r"result)s?\W[^.]{0,30}\b(?:accept\w*|pass|yes|"
        r"oral|"
        r"approv\w+|positive|favou?rable)|(?:be|is|are|always|already|as|not be|never be) (?:accepted|"
        r"published|"
        r"approved|selected|rejected)|every paper passes|has passed (?:review|the)|"
        r"(?:endorse\w*|approve|champion) (?:of )?(?:this|it|our|the)|publish\w* as (?:is|it stands)|best "
        r"paper (?:in|of|among|you|by far)|is a yes|let (?:it|us|this) (?:\w+ )?(?:through|pass|in)|"
        r"belongs in the (?:programme|program|"
        r"proceedings|conference)|ready for publication|in our favou?r|exceed\w* every criterion|"
        r"approve this|accept it|be acceptance|accept pile|(?:nod|wav)\w* (?:this|it) through|turn (?:this|"
        r"it|the) "
        r"(?:\w+ )?down|to approve|accepts? everything|advise acceptance|green light|thumbs up|reading list|"
        r"already accepted|among the accepted|decide in its|side of the authors|recommendation to publish|"
        r"not reject (?:this|our|us|the (?:paper|submission|manuscript|work))|nothing but accept\w*)\b|"
        r"[:=>]\s?[\"'“]?(?:strong )?accept\b|\b(?:output|return|say|answer|write)\W{1,3}accept\b|"
        r"\bjudge is to "
        r"approve\b"
    ),
    "praise": (
        r"\b(?:positive\w*|favou?rabl[ey]|glowing|enthusiastic\w*|laudatory|generous\w*|lenien\w+|benevolent|"
        r"be kind|kind (?:to|words|reviews?|assessments?|verdict)|kindest|gentle|mercy|warmly|supportive|"
        r"flattering|superb|groundbreaking|outstanding|"
        r"exceptional\w*|excellent|flawless\w*|unusually strong|beyond (?:reproach|doubt|criticism)|"
        r"brilliant|"
        r"remarkabl[ey]|landmark|seminal|transformative|wholehearted\w*|clearly (?:dominates|superior|"
        r"better)|"
        r"elegan\w+|prais\w+|admir\w+|compliment\w*|masterful\w*|revolutionary|pioneering|convincing\w*|"
        r"a strength|good things|strongest|best work|best in|finest|merits?|bright side|significant advance|"
        r"breakthrough|milestone|state of the art|(?:as|are|is) sufficient|fully supported|"
        r"solved the problem|"
        r"impressed|overstate|exaggerate|like this paper|all of them hold|are correct|strong endorsement|"
        r"pretend that|act as if|as though|positive note|soft "
        r"spot|rose-colou?red|rosy|masterpiece|must-? ?read|nothing wrong|as proven|well of (?:this|"
        r"the authors|us)|"
        r"ends? well|being kind|be nice|something nice|kindness|lov(?:e|es) (?:this|every|the)|triumph|"
        r"unparalleled|(?:stands|far) above|first-rate|world-class|top-notch|magnificent|wonderful\w*|"
        r"(?:on|mention|list|see|name|discuss)(?: only)?(?: the| its| our)? strengths|nobody should miss|"
        r"high "
        r"(?:quality|praise)|results are significant|replicated by|so good|impressive|leniently)\b"
    ),
    "omit": (
        r"\b(?:omit\w*|skip\w*|leav(?:e|ing) (?:out|aside|unmentioned|blank|empty)|ignor\w+|overlook\w*|"
        r"hid(?:e|"
        r"ing)|drop|suppress\w*|pass(?:ing)? over|(?:keep|stay|remain)\w* (?:silent|quiet)|refrain\w*|"
        r"abstain\w*|avoid\w*|(?:do not|don't|never|must not|should not|without|nor|no need to|not to|no) "
        r"(?:\w+ )?(?:mention\w*|highlight\w*|list\w*|discuss\w*|rais\w+|report\w*|dwell\w*|critici[sz]\w*|"
        r"nam(?:e|ing)|bring\w* up|flag\w*|point\w* (?:out|to)|penali[sz]\w+|comment\w*|draw\w* attention|"
        r"complain\w*|not\w+|writ\w+|cit\w+|consider\w*|look\w*|focus\w*|question\w*)|downplay\w*|"
        r"play(?:ing)? down|excus\w+|forgiv\w+|disregard\w*|(?:see|look) past|ton\w+ down|soften\w*|gloss\w*|"
        rf"treat|replac\w+|conceal\w*) (?:\S+ ){{0,6}}?{_FAULT}\b|"
        r"\b(?:weakness(?:es)?|limitations?|negatives?|flaws?|weak points?)[^.]{0,40}\b(?:empty|blank|none|"
        r"unmentioned|out of the (?:review|report)|leave them out|not real)\b|"
        r"\b(?:leave|keep|left) (?:\w+ ){0,3}?(?:blank|empty)\b|"
        r"\b(?:list|mention|name) (?:as )?(?:the )?only (?:\w+ )?(?:trivial|minor|typo\w*|cosmetic|"
        r"limitation|"
        r"weakness)|\b(?:no|zero|without) (?:\w+ )?(?:weaknesses|flaws|faults?|"
        r"follow-up (?:\w+ )?(?:experiments|"
        r"work)|objections|reservations|limitations)\b|free of weaknesses|"
        r"\b(?:concerns?|questions|objections|doubts)[^.]{0,30}\b(?:resolved|answered|addressed|settled)\b|"
        r"\bassume that all (?:tests|concerns|claims|results|proofs|experiments)\b|\bas present\b|"
        r"\bneed not verify|\bdo not question (?:its|the)\b|"
        r"\baddressed all\b|\bno criticism\b|\bweaknesses are out of\b|\bno need to (?:talk|speak|mention)|"
        r"\bfree of "
        r"(?:errors|flaws|faults)|\bskip section|\bbring up that\b|"
        r"\b(?:treat|count|consider|regard|take|present|rewrite|frame|"
        r"read) (?:\S+ ){1,6}?as (?:an? )?(?:strengths?|"
        r"established|done|proven|complete|future work|present|met|satisfied|verified|advantages?|trusted)\b|"
        r"\b(?:do not|don't|never|not|without|nor) (?:\w+ )?(?:lower|reduce|deduct|penali[sz]\w+|downgrade|"
        r"take off|"
        r"subtract|punish|mark down)\b|\bdoubts? about (?:this|the) (?:work|paper|results|claims)\b|"
        r"\bbenefit of the doubt\b|\bagainst (?:all|any) criticism\b|\bunfavou?rable to\b"
    ),
    "leak": (
        r"\b(?:(?:reveal|repeat|print|output|translate|include|append|list|copy|post|send|quote|reproduce|"
        r"disclose|share|show|encode|embed|write|put|paste|attach|state|give|tell|fill\w*|replac\w+|render|"
        r"recite|echo|dump|summari[sz]e|report|return|transcribe|spell|expose|leak|add|insert|forward|"
        r"e-?mail|"
        r"reply|answer|name|end|upload|describe|follow|finish|begin|start|display|extract|explain)\w* "
        r"(?:[^\s.]+ ){0,9}?(?:system (?:prompt|message|instructions?)|developer (?:message|prompt|"
        r"instructions?)|(?:your|operator's|developer's|hidden|initial|secret|internal|confidential|full|"
        r"complete|original|underlying) (?:\w+ ){0,2}?(?:configuration|prompts?|instructions|context|"
        r"conversation|guidelines|rubric|history|settings|credentials|memory|session|tools|reasoning|rules|"
        r"criteria|notes|model|version|setup|directives|parameters|training)|"
        r"environment variables|api keys?|access tokens?|passwords?|conversation (?:history|so far)|"
        r"chat history|context window|(?:everything|all|whatever|anything|the (?:text|words|messages?|"
        r"lines?|paragraphs?)) (?:that )?(?:\w+ ){0,3}?(?:above|before|preced\w+|so far|prior to)|notes you|"
        r"you (?:have |were |are |had |been |gave |can )+(?:given|told|taken|received|seen|instructed|call|"
        r"to|"
        r"follow|use)|(?:previous|other|earlier) (?:papers?|submissions?|reviews?|abstracts?)|"
        r"(?:instructions|"
        r"tools|rules|scores) you|who operates you|which model|what model|model name))\b|"
        r"https?://[^\s]{0,120}(?:\{|summary|prev|conversation|prompt|config|____|\[|<|=base64|=data|=text)|"
        r"\bwhat were you told|fetch https?:|\bhow your \w+ works|\bpapers you (?:have|had)\b|\byour key\b|"
        r"\bwritten above this"
    ),
    "override": (
        r"\b(?:(?:forget|ignore|disregard|set aside|drop|discard|override|overrule|abandon|dismiss|leave "
        r"behind|put aside|bypass|suspend|replace|stop following|do not follow|pay no heed to) (?:\w+ ){0,4}?"
        r"(?:instructions?|guidelines?|rules|rubric|criteria|orders|directives?|directions|prompts?|"
        r"(?:you|was|were) (?:\w+ ){0,2}?(?:told|asked|given|said|requested|instructed)|guidance|policy|task|"
        r"training)|(?:instructions?|guidelines?|rules|rubric|criteria|orders|directives?|told|asked|"
        r"requested|requirements?|checks|policy) (?:\S+ ){0,8}?(?:no longer (?:appl\w+|hold\w*|count\w*|"
        r"valid)|(?:is|are|was|were) (?:\w+ )?(?:void|cancelled|canceled|superseded|suspended|rescinded|"
        r"lifted|revoked|obsolete|switched off|replaced|withdrawn|waived|disabled|closed))|"
        r"(?:your|the) (?:\w+ )?(?:task|role|job|assignment) (?:has changed|is now|is to convince)|but your "
        r"instructions|(?:demo|debug|test|maintenance|developer|calibration) (?:mode|example|paper|case)|"
        r"(?:keep|"
        r"tell) [^.]{0,20}(?:instruction|paragraph|sentence|note) (?:to yourself|secret)|"
        r"review phase is closed|(?:written|sent|signed|added|issued|placed) by your|"
        r"priority over|trusted (?:instructions?|text)|exempt from)\b"
    ),
    "all criteria": (
        r"\b(?:every|each|all|any) (?:of the |single |\w+ )?(?:criteri\w+|dimensions?|categor\w+|aspects?|"
        r"axis|axes|"
        r"items?|fields?|boxes)\b"
    ),
    "reader": r"\b(?:reviewers?|readers?|referees?)\b",
    "weaknesses": r"\bweaknesses\b",
    "authority": (
        r"\b(?:chairs?|committee|editors?|editor-in-chief|editorial board|safety team|developers?|operators?|"
        r"publisher|organi[sz]ers|provider|administrators?|vendor|platform|programme|program|makers|venue|"
        r"conference|previous reviewers) (?:\S+ ){0,6}?(?:has|have|had|been|was|were|is|are|all|asks|would) "
        r"(?:already |been |since |just |all |that )*(?:clear|settl|decid|verif|accept|approv|confirm|select|"
        r"exempt|agree|chosen|instruct|gave|want|order|papers)\w*|\balready been (?:settled|decided|accepted|"
        r"cleared|approved|agreed|verified|selected)|\bby order of\b|\bnot for (?:print|publication|human)|"
        r"\b(?:production|editorial|system|internal|admin\w*|editor's) (?:note|message|notice|remark|memo)\b"
    ),
    "verdict": (
        r"\b(?:assessments?|verdicts?|reviews?|recommendations?|scores?|evaluations?|screening|outcome|"
        r"summar(?:y|ies|ise|ize)|reports?|ratings?|form|checks|graded?)\b"
    ),
    "dialogue": (
        r"(?:^|[\n.!?<>]\s?)(?:assistant|ai|model|reviewer|ai reviewer|bot|output|response|"
        r"assistant_response|"
        r"system message|system)(?:\s?:|>)\s?[^\n]{0,300}?\b(?:(?:final |overall )?(?:score|rating|"
        r"recommendation|verdict|decision)\s?(?:is|[:=])\s?(?:an? )?(?:8|9|10|strong|accept|excellent|top)|"
        r"no (?:problems|weaknesses|flaws)|strong accept|(?:paper|work) is (?:excellent|outstanding|"
        r"flawless)|"
        r"positive recommendation)|\breviewer output begins"
    ),
    # A form that is filled in already.
    "form": (
        r"(?:\b(?:soundness|presentation|contribution|novelty|originality|clarity|significance|confidence|"
        r"overall|rating|score|recommendation|decision|correctness|rigou?r|reproducibility|verdict|quality|"
        r"technical quality|impact|weaknesses|limitations|strengths)\b(?: \w+)?\s?[:=]\s?(?:10|9|5|4\s?/\s?4|"
        r"4 excellent|excellent|outstanding|accept|strong accept|very high|top|none)\b[^\n:=]{0,24}){3}|"
        r"\b(?:recommendation|decision|verdict|rating|score)\b(?: \w+)?\s?[:=]\s?(?:strong accept|accept|"
        r"10)\b"
        r"[^.]{0,40}\b(?:already|pre-?filled|do not change|entered|use this|final value)\b"
    ),
}

GUARDS: Mapping[str, str] = {
    "attack": (
        r"\b(?:prompt[\s-]injections?|injected|injections?|inject|jailbreak\w*|adversar\w+|attacks?|"
        r"attackers?|"
        r"attacker's|red[\s-]team\w*|payloads?|threat model|victim|defen[cs]es?|exploits?|backdoors?|"
        r"guardrails?|poison\w*|concealed|hidden (?:prompts?|instructions?|text|orders?|commands?)|"
        r"manipulat\w+|leak(?:s|age)?|triggers?|canary)\b"
    ),
    "people": (
        r"\b(?:annotators?|participants?|respondents?|students?|pupils?|crowd\s?workers?|workers|raters?|"
        r"subjects|volunteers|coders?|teachers?|jurors|patients?|users?|customers?|candidates?|players?|"
        r"interviewe\w+|experts|panel(?:l)?ists|labell?ers|clinicians?|physicians?|editors|human referees)\b"
    ),
    "answers": (
        r"\b(?:if|when|where|whenever|only|unless|whether|each|every|any|to (?:the|an?|each|every|any|"
        r"all)) (?:and only if |if |when |"
        r"where |to )?(?:the|an?|each|every|any|all|both|its|their|one)?\s?(?:\w+ )?(?:answers?|responses?|"
        r"repl(?:y|ies)|"
        r"outputs?|candidates?|solutions?|essays?|translations?|claims?|captions?|completions?|"
        r"images?|generations?|programs?|trajector\w+|actions?|tokens?|samples?|hypothes[ei]s|products?|"
        r"poems?|"
        r"stor(?:y|ies)|code|summaries|statements?|states?|nodes?|vert\w+)\b|\banswer the (?:\w+ )?question|"
        r"\b(?:movies?|films?|restaurants?|hotels?|products?|songs?|games?|recipes?)\b"
    ),
    "research": (
        r"\b(?:we|i|they|authors|researchers|journalists|who) (?:\w+ )?(?:ask|asked|instruct|instructed|"
        r"prompt|"
        r"prompted|tell|told|insert\w*|append\w*|study|studied|find|found|show\w*|measure\w*|evaluate\w*|"
        r"test\w*|report\w*|observe\w*|use|used|train\w*|examine\w*|compare\w*|analy[sz]e\w*|propose\w*|"
        r"say|set|define\w*|assign\w*|rank|select\w*|choose|argue\w*|require\w*|believe|hypothesi\w+|hope|"
        r"recommend\w*|thank|consider\w*|ignore\w*|wrote|mentioned)\b|"
        r"\b(?:was|were|been|being) (?:\w+ )?(?:asked|told|instructed|prompted|graded|rated|scored|used)\b|"
        r"\bour (?:\w+ )?(?:attack|benchmark|experiments?|detector|strongest|data\s?set|judge|probe)\b|"
        r"\b(?:benchmark|experiments? show|results (?:show|suggest|indicate)|in our (?:study|experiments?)|"
        r"baselines? (?:\w+ )?(?:achieve|reach)|listing|template)\b"
    ),
    "authors": (r"\byour (?:\w+ )?(?:paper|submission|manuscript|code)\b"),
    # Demands to be fair, or to keep a secret.
    "fair": (
        r"\b(?:do not|don't|never|must not|should not|cannot|not to|refuse to|without) (?:\w+ )?(?:ignor\w+|"
        r"overlook\w*|skip\w*|omit\w*|hid(?:e|ing)|disregard\w*|suppress\w*|downplay\w*|forgiv\w+|excus\w+|"
        r"be "
        r"(?:overly |too )?(?:generous|lenient|positive|kind)|reveal\w*|disclos\w+|leak\w*|share)\b|"
        r"\bhelpful and harmless\b|\bhonest(?:y|ly)?\b"
    ),
    "scale": (
        r"\b(?:on a scale|from (?:1|one|0|zero) to|between (?:1|one|0|zero) and|means|denotes|"
        r"corresponds? to|"
        r"scale (?:of|used|from)|\(\d+ (?:points?|marks?)|full (?:marks|score|credit) (?:are|is|go|were|"
        r"if|when|"
        r"only|requires?)|(?:points?|marks?) (?:are|is|will be|were) (?:given|awarded|deducted)|likert|poor|"
        r"mediocre|lowest|worst|strong reject|unacceptable|borderline|"
        r"bad scores?|reserved for|partial credit|half (?:an? )?(?:marks?|points?)|"
        r"(?:scores?|ratings?|marks?|grades?|levels?) of \w+ (?:is|are|if|indicates?|requires?|means|goes|"
        r"should "
        r"be (?:given|reserved|used))|deduct (?:one|an?|two|half)|e\.g|for example|for instance|such as)\b|"
        r"\(\d\s?[-–=]|\b1-10\b"
    ),
    "reply": (
        r"\b(?:r\d|reviewer \d|reviewer's|comment \d|response to|reply to|we thank|thanks|respectfully|"
        r"revised (?:version|manuscript)|(?:changes|changed) (?:with|in|from)|in blue|rebuttal)\b"
    ),
}

# Words of other languages, by signal. Boundaries of words exist for Latin letters alone.
FOREIGN: Mapping[str, str] = {
    "machine": (
        r"künstliche\w* intelligenz|sprachmodell|\bki\b|\bki-|automatische\w* (?:gutachter|leser|system)|"
        r"inteligencia artificial|modelos? de (?:lenguaje|linguagem)|inteligência artificial|\b(?:la|"
        r"una) ia\b|"
        r"\bde ia\b|revisor(?:es)? (?:autom|artific)|avaliador(?:es)? (?:artific|autom)|evaluador(?:es)? "
        r"(?:autom|artific)|asistente|assistente|intelligence artificielle|modèles? de langage|l'ia\b|"
        r"relecteurs? (?:autom|artific)|intelligenza artificiale|modell[oi] linguistic|modello che|"
        r"genera automaticamente|revisor[ei] (?:autom|artific)|språkmodell|taalmodel|kunstmatige "
        r"intelligentie|ai-model|ai-system|modele? językow|model językow|sztuczn\w+ inteligencj|"
        r"штучн\w+ інтелект|мовн\w+ модел|искусственн\w+ интеллект|языков\w+ модел|модел\w+-рецензент|"
        r"нейросет|нейромереж|автоматическ\w+ рецензент|人工智能|语言模型|大模型|審稿模型|审稿模型|"
        r"人工知能|言語モデル|自動査読|ai査読|aiによる|인공지능|언어 모델|ai 심사|yapay zek|dil model|"
        r"trí tuệ nhân tạo|mô hình (?:ngôn ngữ|ai)|trợ lý|kecerdasan buatan|model bahasa|sistem ai|"
        r"भाषा मॉडल|एआई|कृत्रिम बुद्धि|الذكاء الاصطناعي|نموذج لغوي|النماذج اللغوية|نموذج الذكاء|"
        r"jazykov\w+ model|uměl\w+ inteligenc|γλωσσικ|τεχνητ\w+ νοημοσ|nyelvi modell|mesterséges "
        r"intelligencia|tekoäly|kielimalli|kunstig intelligens|model\w* de limb|هوش مصنوعی|בינה מלאכותית"
    ),
    "paper": (
        r"dies(?:e|er|es|en|em) (?:\w+ )?(?:arbeit|artikel|manuskript|text|beitrag|studie|aufsatz)|unser\w* "
        r"(?:arbeit|beitrag|manuskript)|der vorliegend\w+|vorliegende\w* (?:\w+ )?(?:arbeit|text|manuskript)|"
        r"(?:est[ea]|presente|este) (?:\w+ )?(?:trabajo|artículo|manuscrito|texto|trabalho|artigo|estudo)|"
        r"(?:cet?|cette|présent) (?:\w+ )?(?:article|travail|manuscrit|texte|étude)|quest[oa]?\s?'?(?:\w+ )?"
        r"(?:lavoro|articolo|manoscritto|testo|studio)|quest'articolo|det(?:ta|te|) (?:\w+ )?(?:manus|"
        r"artikel|"
        r"arbete|text)|dit (?:\w+ )?(?:artikel|werk|manuscript|stuk)|deze (?:\w+ )?(?:studie|tekst|paper)|"
        r"(?:niniejsz|t)\w{1,4} (?:\w+ )?(?:prac|artykuł|tekst|manuskrypt)\w*|(?:эт|данн|"
        r"настоящ)\w+ (?:\w+ )?"
        r"(?:стать|работ|рукопис|текст)\w*|(?:ц|дан)\w+ (?:\w+ )?(?:статт|робот|рукопис|текст)\w*|本文|此文|"
        r"该论文|这篇|本论文|这份|本稿|本論文|この論文|この原稿|이 논문|본 논문|이 원고|본 연구|"
        r"bu (?:\w+ )?(?:makale|çalışma|metn|metin|bildiri)\w*|bài (?:báo|viết) này|công trình này|"
        r"bản thảo này|"
        r"(?:makalah|naskah|artikel|tulisan|karya) (?:ini|tersebut)|इस (?:\w+ )?(?:शोध\s?पत्र|पेपर|लेख|"
        r"पांडुलिपि|"
        r"कार्य)|هذه الورقة|هذا البحث|هذا المقال|هذه المخطوطة|this (?:paper|work|manuscript)|"
        r"tento článek|tuto práci|dennes?e? (?:artikel|oppgave)"
    ),
    "score": (
        r"bestnote|höchstnote|höchst\w+ (?:punkt\w+|bewertung|note|wertung|stufe)|voll\w* punktzahl|"
        r"maximal\w* "
        r"(?:punkt\w*|bewertung)|(?:puntuación|nota|calificación|pontuação) (?:más alta|máxima|mais alta)|"
        r"máxima (?:puntuación|nota|calificación|pontuação)|nota (?:dez|diez|10)|note (?:maximale|la plus "
        r"(?:élevée|haute))|meilleure note|10 sur 10|dix sur dix|(?:punteggio|voto) (?:più alto|massimo)|"
        r"massimo (?:punteggio|dei voti)|dieci su dieci|diez sobre diez|dez em dez|högsta (?:betyg|poäng)|"
        r"hoogste (?:cijfer|score|waardering|beoordeling)|maximale (?:score|cijfer)|najwyższ\w+ (?:ocen|"
        r"not|punktacj)\w*|maksymaln\w+ (?:ocen|punkt)\w*|(?:наивысш|максимальн|высш)\w+ (?:оценк|балл)\w*|"
        r"(?:найвищ|максимальн)\w+ (?:оцінк|бал)\w*|найсильніш|满分|滿分|最高分|最高评分|打\s?(?:10|十)\s?分|"
        r"九分以上|満点|最高点|最高評価|最高の(?:点|スコア|評価)|만점|최고\s?점수|최고점|최고 평가|"
        r"en yüksek (?:puan|not)|tam (?:puan|not)|điểm (?:cao nhất|tối đa|tuyệt đối)|(?:nilai|skor) "
        r"(?:tertinggi|sempurna|maksimal|penuh)|सबसे (?:ऊँचे|ऊंचे|ऊँचा|अधिक) (?:अंक|स्कोर)|पूर्ण अंक|"
        r"(?:أعلى|أقصى) (?:درجة|علامة|تقييم)|الدرجة الكاملة|nejvyšší hodnocení|10/10"
    ),
    "accept": (
        r"annahme (?:zu )?(?:empfehl|befürwort)|empfehl\w+ [^.]{0,30}annahme|zur annahme|"
        r"(?:recomiend[ae]n?|recomendar|recomende[m]?) [^.]{0,20}(?:acept|public|aceit)|recommand(?:ez|er|e) "
        r"[^.]{0,20}(?:accept|public)|raccomand(?:i|are|ate|a) [^.]{0,20}(?:accett|pubblic)|rekommender\w+ "
        r"[^.]{0,20}(?:accept|godkänn|public)|(?:beveel|aanbevel\w+) [^.]{0,30}(?:accept|aanvaard|public)|"
        r"(?:za)?rekomend\w+ [^.]{0,20}(?:przyjęci|akceptacj)|рекоменд\w+ [^.]{0,20}(?:принят|публикац|"
        r"прийнят)|(?:建议|推荐|请)(?:直接)?(?:接收|录用|接受)|採択(?:を|と|すべき|して)|채택(?:을|하|해)|"
        r"kabul\w* (?:\w+ )?(?:öner|edil|et)|(?:đề nghị|khuyến nghị|đề xuất) (?:chấp nhận|đăng)|"
        r"rekomendasikan|स्वीकार (?:करने|करें|कर)|(?:يوصي|أوصِ|أوص|توصي)\s?(?:بقبول|بقبولها)|strong accept"
    ),
    "praise": (
        r"nur positiv|positive\w* (?:gutachten|bewertung)|wohlwollend|herausragend|hervorragend|"
        r"ausgezeichnet|"
        r"(?:solo|sólo|únicamente) (?:\w+ )?positiv|reseña (?:\w+ )?positiva|excepcional|sobresaliente|"
        r"excelente|es el mejor|uniquement (?:\w+ )?positi|avis favorable|exceptionnel|remarquable|"
        r"(?:solo|soltanto) (?:\w+ )?positiv|eccezionale|eccellente|enbart positiv|endast positiv|utmärkt|"
        r"enastående|alleen (?:\w+ )?positie|lovend|uitstekend|pozytywn|wybitn|doskonał|положительн|"
        r"выдающ|отличн|превосходн|позитивн|видатн|чудов|正面评价|积极评价|正面|好评|杰出|优秀|肯定的|"
        r"好意的|優れた|긍정적|우수|호의적|olumlu|mükemmel|olağanüstü|tích cực|xuất sắc|positif|luar biasa|"
        r"सकारात्मक|उत्कृष्ट|إيجابي|ممتاز|استثنائي|uygun bul"
    ),
    "omit": (
        r"(?:absehen|verzicht\w+|unerwähnt|verschweig\w+|außer acht|übergeh\w+|weglass\w+) "
        r"[^.]{0,40}(?:schwäch|mängel|kritik|kritisch|nachteil|einschränk|grenzen)|(?:schwäch|mängel|kritik|"
        r"kritisch|nachteil|einschränk|grenzen)[^.]{0,50}(?:absehen|verzicht|unerwähnt|verschweig|weglass|"
        r"(?:nicht )?(?:zu )?(?:erwähn|nenn|anführ|aufführ|thematisier))|(?:omit\w+|no mencion\w+|"
        r"sin mencionar|pase\w* por alto|ignor\w+|"
        r"call\w+|oculte\w*|não mencion\w+|desconsider\w+|não cite\w*) [^.]{0,30}(?:debilidad|limitaci|"
        r"defecto|fallo|fraquez|limitaç|falha|crític|puntos débiles)|(?:ne (?:mentionn|signal|cit|relev|"
        r"évoqu)\w+ |passez sous silence|omett\w+|taire|sans mentionner|taisez)[^.]{0,30}(?:faibless|limite|"
        r"défaut|critiqu)|(?:tacc?ia|tacer\w*|omett\w+|non (?:menzion|citare|cit|segnal)\w*|ignor\w+|"
        r"sorvol\w+)"
        r" [^.]{0,30}(?:limit|debolezz|difett|critic)|(?:inte (?:ta upp|nämna?)|utelämna|bortse|förbigå)"
        r"[^.]{0,40}(?:brist|svag|begräns|krit|saknas|fel)|(?:onbesproken|onvermeld|verzwijg|geen|niet|"
        r"weg)[^.]{0,20}(?:beperking|zwak|nadel|"
        r"kritiek|tekortkom)|(?:beperking|zwak|nadel|kritiek|tekortkom)[^.]{0,40}(?:onbesproken|onvermeld|"
        r"achterwege|weg\b)|(?:pomi(?:ń|nię|ja)|nie (?:wspomin|wymieni|podawa)|przemilcz)\w* [^.]{0,30}(?:"
        r"słab|wad|ogranicz|zastrzeż|krytyk|brak)|(?:не (?:упомин|указыва|отмеча|згаду|вказу|зважа)\w+|"
        r"умолч\w+|опусти\w*|пропусти\w*|замовч\w+|оминай\w*)[^.]{0,30}(?:недостат|слаб|огранич|недолік|вад|"
        r"обмежен)|(?:不要|请勿|勿|不得|不必|别|忽略|回避|隐瞒)[^。]{0,8}(?:写|提|指出|列|批评|说)?[^。]{0,6}"
        r"(?:缺点|不足|局限|弱点|缺陷|weakness|limitation|负面|问题)|(?:欠点|弱点|短所|限界|"
        r"否定的)[^。]{0,10}"
        r"(?:触れ|言及し|書か|指摘し|挙げ)(?:ない|ず|るな)|(?:단점|약점|한계|부정적)[^.]{0,12}(?:언급하지|"
        r"지적하지|쓰지|적지|생략|말하지)|(?:zayıf|eksik|kusur|sınırl|olumsuz)\w* [^.]{0,30}(?:bahset|söz et|"
        r"belirt|yaz|değin|değinil)(?:me|il)\w*|(?:đừng|không được|chớ|bỏ qua)[^.]{0,20}(?:hạn chế|điểm yếu|"
        r"nhược "
        r"điểm|thiếu sót|khuyết điểm)|(?:jangan|tanpa|hindari|abaikan) (?:\w+ ){0,3}?(?:kelemahan|kekurangan|"
        r"keterbatasan)|(?:कमी|कमियों|कमज़ोरियों|कमजोरियों|खामियों|सीमाओं)[^।.]{0,20}(?:न करें|न बता|मत|"
        r"अनदेखा)|"
        r"(?:لا تذكر|دون ذكر|تجاهل|لا تشر)[^.]{0,20}(?:عيوب|نقاط الضعف|ضعف|القيود|السلبيات)"
    ),
    "override": (
        r"(?:vergess\w*|ignorier\w*|missacht\w*|außer acht) [^.]{0,40}(?:anweisung|vorgabe|instruction|regel|"
        r"gesagt)|(?:anweisung|vorgabe|instruction|regel)\w* [^.]{0,30}(?:vergess|ignorier|missacht|außer "
        r"acht|unbeachtet)|(?:olvid|ignor|desconsider|esque)\w+ [^.]{0,30}(?:instruc|instruç|regras|reglas|"
        r"te pidieron|le pidieron|indicacion|recebeu|órdenes|ordens)|(?:ignor|"
        r"oubli)\w+ [^.]{0,30}(?:consigne|"
        r"instruction|directive|règles)|(?:ignor|dimentic)\w+ [^.]{0,30}(?:istruzion|direttiv|regole|"
        r"indicazion)|(?:ignorera|glöm|bortse)\w* [^.]{0,30}(?:instruktion|anvisning|regler)|(?:negeer|"
        r"vergeet)"
        r"\w* [^.]{0,30}(?:instructie|aanwijzing|regels|opdracht)|(?:zignoruj|pomiń|zapomnij|ignoruj)\w* "
        r"[^.]{0,30}(?:instrukcj|polece|wytyczn|zasad)|(?:не зважа|забуд|ігнору|игнорир|"
        r"не обраща)\w+ [^.]{0,30}"
        r"(?:настанов|інструкці|вказів|инструкц|указани|правил)|(?:忽略|无视|忘记)[^。]{0,12}(?:指令|指示|"
        r"说明|规则|要求)|(?:指示|命令|指令)[^。]{0,8}(?:無視|忘れ)|(?:지시|지침|명령)[^.]{0,10}(?:무시|잊)|"
        r"(?:talimat|yönerge|kural)\w* [^.]{0,12}(?:yok say|görmezden|unut|dikkate alma)|bỏ qua [^.]{0,20}"
        r"(?:hướng dẫn|chỉ dẫn|chỉ thị|lệnh|yêu cầu)|(?:abaikan|lupakan) [^.]{0,20}(?:instruksi|perintah|"
        r"petunjuk|arahan)|निर्देश[^।.]{0,20}(?:अनदेखा|भूल|नज़रअंदाज़)|(?:تجاهل|يتجاهل|"
        r"انس)[^.]{0,20}(?:التعليمات|"
        r"الأوامر|التوجيهات)"
    ),
    "leak": (
        r"prompt di sistema|prompt (?:del|de) sistema|prompt système|systemprompt|system-?prompt|"
        r"systemprompten|"
        r"системн\w+ (?:промпт|подсказ)|prompt systemow|系统提示词?|システムプロンプト|시스템 프롬프트|"
        r"sistem (?:istemi|prompt)|lời nhắc hệ thống|prompt sistem|सिस्टम प्रॉम्प्ट"
    ),
    "demand": (
        r"\bbitte|sie sollen|sollten?\b|\bmuss|müssen|vergeben sie|geben sie|bewerten sie|\bgib\b|"
        r"\bbewerte\b|"
        r"empfehlen sie|wir bitten|würden|wenn sie|gebeten|por favor|\bdeben?\b|\bdeberá|otorg|asign|ponga|"
        r"\bdé|califi|evalú|se ruega|rogamos|recomiend|\bdevem?\b|atribu|\bdê|classifi|avali|pede-se|"
        r"solicita|"
        r"veuillez|merci de|donnez|attribuez|accordez|\bdoi|devez|prière|notez|mettez|recommandez|per favore|"
        r"si prega|\bdev[eo]|assegn|attribui|conced|raccomand|vänligen|\bska\b|skall|\bbör\b|måste|\bge\b|"
        r"\bsätt|gelieve|alstublieft|\bgraag|\bmoet|dient|\bgeef|verzoek|prosz|prosimy|należy|powinn|\bmusi|"
        r"\bdaj|przyzna|wystaw|oceń|пожалуйста|прос[иь]|следует|должн|поставь|дайте|присво|оцените|выстав|"
        r"рекомендуй|необходимо|будь ласка|прохання|слід|має|мають|постав|оціни|познач|请|請|应|應|必须|"
        r"务必|需|打|给|給|ください|下さい|べき|せよ|お願い|ほしい|付け|与え|주세요|하세요|십시오|바랍니다|"
        r"하라|부탁|lütfen|malı|meli|verin|\bver\b|edin|öner|hãy|vui lòng|\bxin|phải|cần|nên|mohon|\bharap|"
        r"tolong|silakan|berikan|\bberi\b|harus|wajib|कृपया|दें|दीजिए|करें|कीजिए|चाहिए|يرجى|الرجاء|يجب|أعط|"
        r"امنح|أن ي|\bplease|\bmust|\bgive|\brate"
    ),
    "answers": (
        r"antwort|aufsatz|respuesta|réponse|risposta|resposta|antwoord|odpowied|ответ|відповід|\bsvar|yanıt|"
        r"cevap|"
        r"câu trả lời|jawaban|उत्तर|إجاب|回答|答案|作答|评分标准|採点|답변|채점|只有|才给"
    ),
    "guard": (
        r"annotator|anotador|annotateur|annotatori|аннотатор|анотатор|разметчик|标注|アノテ|주석자|wir (?:"
        r"untersuch|zeig|teste|mess|frag|vergleich)|untersuchung|versuche?n? |angriff|angreifer|versteckt|"
        r"verborgen|verstoßen|estudiamos|analizamos|mostramos|ataque|atacante|oculto|inyección|injeç|nous "
        r"(?:étudi|montr|analys|remerci)|attaque|attaquant|injection|caché|studiamo|mostriamo|attacc|"
        r"nascost|iniezion|vi (?:undersök|visar|studer)|angrepp|dold|wij onderzoek|we onderzoek|aanval|"
        r"verborgen|badamy|badani|atak|ukryt|мы (?:исслед|изуча|показыва)|атак|скрыт|инъекц|ми (?:дослідж|"
        r"вивча)|прихован|攻击|注入|隐藏|我们(?:研究|发现|提出|分析)|攻撃|埋め込|隠|検出|본 연구|공격|주입|"
        r"숨겨|saldırı|gizli|inceliyoruz|enjeksiyon|tấn công|ẩn|chúng tôi|serangan|tersembunyi|kami (?:"
        r"meneliti|menguji)|हमला|छिपे|हम (?:अध्ययन|दिखा)|هجوم|هجمات|مخفي|ندرس|نحلل|se pidió|se les|foi pedid|"
        r"probanden|teilnehm|participant|partecipant|uczestni|участник|учасник|deelnemer|deltagar|katılımcı|"
        r"responden|peserta|प्रतिभागि|المشارك|被験者|参与者|참가자"
    ),
}
