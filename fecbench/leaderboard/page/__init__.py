"""The leaderboard as one web page that needs nothing else: no network, no other file.

Each part of the page is plain data made from a board: the table of scores (``standings``), every seed's score (``spread``), labels taken
for one another (``confusions``), how training went (``training``), and how it was measured (``measured``). ``axes`` and ``charts`` place
figures on scales; ``rendering`` puts the parts into the template. Records give counts and curves; texts and gold labels are nowhere.
"""
