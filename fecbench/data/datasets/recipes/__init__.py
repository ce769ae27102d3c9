"""Recipes: descriptions of published data sets, which read the published files as they are.

A recipe is a ``dataset.toml`` with a name and an entry point. The files themselves are not part of fecbench.
"""

from pathlib import Path

from fecbench.data.datasets.recipe import Recipe

HERE = Path(__file__).parent

ag_news = Recipe(HERE / "ag-news.toml")
banking77 = Recipe(HERE / "banking77.toml")
clinc150 = Recipe(HERE / "clinc150.toml")
clinc150_oos = Recipe(HERE / "clinc150-oos.toml")
crowdflower = Recipe(HERE / "crowdflower.toml")
dailydialog = Recipe(HERE / "dailydialog.toml")
dair_emotion = Recipe(HERE / "dair-emotion.toml")
ed_easy = Recipe(HERE / "ed-easy.toml")
ed_hard_a = Recipe(HERE / "ed-hard-a.toml")
ed_hard_b = Recipe(HERE / "ed-hard-b.toml")
ed_hard_c = Recipe(HERE / "ed-hard-c.toml")
ed_hard_d = Recipe(HERE / "ed-hard-d.toml")
emocontext = Recipe(HERE / "emocontext.toml")
emorynlp = Recipe(HERE / "emorynlp.toml")
ge_ekman_single = Recipe(HERE / "ge-ekman-single.toml")
ge_group_single = Recipe(HERE / "ge-group-single.toml")
ge_original_single = Recipe(HERE / "ge-original-single.toml")
isear = Recipe(HERE / "isear.toml")
meld = Recipe(HERE / "meld.toml")
rusentiment = Recipe(HERE / "rusentiment.toml")
semeval_ec = Recipe(HERE / "semeval-ec.toml")
smp2020 = Recipe(HERE / "smp2020.toml")
smp2020_virus = Recipe(HERE / "smp2020-virus.toml")
trec = Recipe(HERE / "trec.toml")
trec_fine = Recipe(HERE / "trec-fine.toml")
tweeteval_emoji = Recipe(HERE / "tweeteval-emoji.toml")
tweeteval_emotion = Recipe(HERE / "tweeteval-emotion.toml")
tweeteval_hate = Recipe(HERE / "tweeteval-hate.toml")
tweeteval_irony = Recipe(HERE / "tweeteval-irony.toml")
tweeteval_offensive = Recipe(HERE / "tweeteval-offensive.toml")
xed_en = Recipe(HERE / "xed-en.toml")
xed_en_multi = Recipe(HERE / "xed-en-multi.toml")
