"""A board in a notebook: HTML with ranks and short notes, in which texts of records are text."""

from dataclasses import replace

from fecbench.results.leaderboard.assemble import board_of_records


def test_a_board_shows_itself_ranked(three):
    html = board_of_records(three)._repr_html_()
    assert html.index("<td>aml</td>") < html.index("<td>ce</td>")
    assert "<th>Rank</th>" in html
    assert "<b>" in html
    assert "<u>" in html
    assert "Test scores in percent" in html
    assert html.startswith("<div>")
    assert html.count("<table>") == html.count("</table>") == 1


def test_hostile_texts_are_escaped(three):
    board = board_of_records(three)
    (table,) = board.tables
    rows = tuple(replace(row, name="<script>") for row in table.rows)
    nasty = replace(table, rows=rows, title="<img>", short_notes=("<b>note",))
    html = replace(board, title="<i>", tables=(nasty,), notes=("<u>",))._repr_html_()
    for text in ("<script>", "<img>", "<b>note", "<i>", "<small><u>"):
        assert text not in html
    assert "&lt;script&gt;" in html


def test_an_empty_board_is_shown():
    assert "Leaderboard" in board_of_records([])._repr_html_()
