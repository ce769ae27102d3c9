"""Short descriptions of the labels of the built-in data sets, for heads that read the labels.

They were written for this project. They are encoded in every training step, so each has only about ten tokens.
"""

GOEMOTIONS = {
    "admiration": "finding someone or something impressive and worthy of praise",
    "amusement": "finding something funny and laughing about it",
    "anger": "being furious at a wrong and wanting to hit back",
    "annoyance": "being mildly irritated by something that bothers",
    "approval": "agreeing with something and calling it right or good",
    "caring": "being kind and concerned about how somebody is",
    "confusion": "not understanding something and being unsure what it means",
    "curiosity": "wanting to know more and asking about it",
    "desire": "strongly wishing to have or do something",
    "disappointment": "being let down because hopes were not met",
    "disapproval": "disagreeing with something and calling it wrong or bad",
    "disgust": "being repelled by something gross or immoral",
    "embarrassment": "feeling awkward and self-conscious in front of others",
    "excitement": "being thrilled and full of energy about something",
    "fear": "being scared of a danger or of what may happen",
    "gratitude": "being thankful for what somebody did",
    "grief": "mourning the death or loss of someone loved",
    "joy": "being happy and delighted about something good",
    "love": "feeling deep affection and fondness for someone or something",
    "nervousness": "being tense and uneasy about what is to come",
    "optimism": "being hopeful that things will turn out well",
    "pride": "being pleased with what one has achieved",
    "realization": "suddenly noticing or understanding something",
    "relief": "feeling at ease because something bad is over or averted",
    "remorse": "being sorry for something wrong one did",
    "sadness": "being unhappy and in low spirits",
    "surprise": "being astonished by something unexpected",
}

NEUTRAL = "showing no emotion in particular"  # the label that GoEmotions has besides

EKMAN = {
    "anger": "being annoyed or furious, or disapproving of something",
    "disgust": "being repelled by something gross or immoral",
    "fear": "being scared, tense or uneasy about what may happen",
    "joy": "feeling good about something, such as delight, love, pride or gratitude",
    "sadness": "being unhappy, such as disappointment, grief, shame or remorse",
    "surprise": "being astonished, curious or confused by something",
    "neutral": NEUTRAL,
}

SENTIMENT = {
    "positive": "feeling good about something",
    "negative": "feeling bad about something",
    "ambiguous": "being astonished, curious or confused, be it good or bad",
    "neutral": NEUTRAL,
}

EMPATHETIC_DIALOGUES = {
    "sad": "being unhappy and in low spirits",
    "trusting": "believing that somebody is honest and can be relied on",
    "terrified": "being frightened out of one's wits",
    "caring": "looking after somebody out of kindness",
    "disappointed": "being let down because hopes were not met",
    "faithful": "staying true to a partner, friend or belief",
    "joyful": "being full of happiness and delight",
    "jealous": "resenting what somebody else has or gets",
    "disgusted": "being repelled by something gross or immoral",
    "surprised": "being caught out by something unexpected",
    "ashamed": "feeling bad about something wrong or foolish one did",
    "afraid": "being scared of a danger",
    "impressed": "admiring how well somebody does something",
    "sentimental": "being tenderly moved by memories and keepsakes",
    "devastated": "being crushed by a terrible loss or blow",
    "excited": "being thrilled about something that is happening soon",
    "anticipating": "looking forward to and waiting for something",
    "annoyed": "being irritated by something that bothers",
    "anxious": "worrying and being uneasy about how something will go",
    "furious": "being in a rage at somebody or something",
    "content": "being calmly satisfied with how things are",
    "lonely": "being alone and missing company",
    "angry": "being mad at somebody for a wrong",
    "confident": "being sure of oneself and of doing well",
    "apprehensive": "being hesitant because something may go badly",
    "guilty": "blaming oneself for something one did to others",
    "embarrassed": "feeling awkward after a mishap in front of others",
    "grateful": "being thankful for what somebody did",
    "hopeful": "expecting that things will turn out well",
    "proud": "being pleased with what oneself or a loved one achieved",
    "prepared": "being ready for something after getting everything done",
    "nostalgic": "longing for the good times of the past",
}

DEMO = {
    "joyful": "being happy about something good right now",
    "excited": "being thrilled about something still to come",
    "proud": "being pleased with what oneself or a loved one achieved",
    "sad": "mourning and crying over a loss",
    "lonely": "being alone and missing company",
    "disappointed": "being let down because hopes were not met",
    "angry": "being outraged at a wrong and shouting about it",
    "annoyed": "being irritated by small things that bother",
    "jealous": "resenting what somebody else has or gets",
    "afraid": "being scared of a danger that is here now",
    "anxious": "worrying about what may go wrong later",
    "embarrassed": "wanting to hide after a mishap in front of others",
}
