"""The pages of the DAG families say what the DAGs say."""

from include.orchestration.dag_pages import render_pages, write_pages


def test_every_family_has_a_page_with_its_tasks_and_its_form(dag_bag):
    pages = render_pages()
    assert set(pages) == {each.partition("__")[0] for each in dag_bag.dags}
    for dag_id in ("train__digits", "score__digits", "rollback"):
        dag = dag_bag.dags[dag_id]
        page = pages[dag_id.partition("__")[0]]
        for name in (*dag.task_ids, *dag.params):
            assert f"| `{name}` |" in page
        assert "](/gatehouse/" not in page


def test_the_pages_in_docs_are_not_stale():
    assert write_pages(check=True) == []
