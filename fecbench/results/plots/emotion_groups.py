"""Groups of emotions: Ekman's six, and a group of all other labels.

GoEmotions' labels are grouped as in its paper (Demszky et al. 2020, appendix); further labels, such as those of
EmpatheticDialogues, by their nearest meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.data.datasets.builtin.goemotions import EKMAN

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = "other"
FURTHER = {
    "sadness": (
        "ashamed", "boredom", "depression", "despair", "devastated", "disappointed", "embarrassed", "empty", "grieving",
        "guilt", "guilty", "hurt", "lonely", "nostalgic", "pessimism", "sad", "shame", "sorrow",
    ),
    "anger": (
        "angry", "annoyed", "contempt", "envy", "frustrated", "frustration", "furious", "hate", "jealous", "jealousy",
        "mad", "rage",
    ),
    "disgust": ("disgusted",),
    "fear": ("afraid", "anxiety", "anxious", "apprehensive", "fearful", "nervous", "scared", "terrified", "worry"),
    "joy": (
        "anticipating", "anticipation", "confident", "content", "enthusiasm", "excited", "faithful", "fun", "glad",
        "grateful", "happiness", "happy", "hope", "hopeful", "impressed", "joyful", "peaceful", "powerful", "prepared",
        "proud", "sentimental", "trust", "trusting",
    ),
    "surprise": ("confused", "surprised"),
}  # fmt: skip
GROUPS = (*FURTHER, OTHER)
_GROUP_OF = {label: group for group in FURTHER for label in (*EKMAN[group], *FURTHER[group])}


def emotion_groups(labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the labels of each group in the order of ``GROUPS``; groups without labels are left out.

    The result is empty if fewer than half of the labels are known emotions.

    >>> emotion_groups(["lonely", "Joyful", "sad", "neutral"])
    {'sadness': ('lonely', 'sad'), 'joy': ('Joyful',), 'other': ('neutral',)}
    >>> emotion_groups(["sports", "business", "sad"])
    {}
    """
    group_of = {label: _GROUP_OF.get(label.lower(), OTHER) for label in labels}
    if 2 * sum(group != OTHER for group in group_of.values()) < len(labels):
        return {}
    members = {group: tuple(label for label in labels if group_of[label] == group) for group in GROUPS}
    return {group: found for group, found in members.items() if found}
