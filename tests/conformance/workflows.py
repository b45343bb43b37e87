"""Forms, protocols, tasks of readers and their responses, adjudication, pools of people."""

from harness import acquisition, client, email, equal, grant, group, project, refused, same

fw = client()
study = project(fw, "Reading")
scan = acquisition(study)
session_id = scan.parents.session
ann = client("ann")
grant(fw, study, "ann", "ro")
FORM = {"title": "Quality", "description": "How good", "defaults": {}, "fields": []}


def protocol(label, **more):
    """A protocol that is in use."""
    body = {
        "label": label,
        "protocol_config": {"longitudinal": False},
        "group_id": "lab",
        "task_type": "R",
        "form": FORM,
        **more,
    }
    made = fw.create_task_protocol(body)
    equal(fw.publish_task_protocol(made.id).version, 1)
    return made.id


# Forms, which the client gives as they came.
form = fw.create_custom_form({"label": "first", "context": "reader", "group": "lab", "form_schema": FORM})
equal(fw.publish_custom_form(form["_id"])["status"], "published")
equal(fw.modify_custom_form(form["_id"], {"label": "second", "form_schema": FORM})["version"], 2)
equal(fw.get_custom_form(form["_id"])["label"], "second")
equal([one["label"] for one in fw.find_custom_forms().results], ["second"])

# Pools of people.
pool = fw.create_staffing_pool({"label": "readers", "users": [email("ann")]})
equal(fw.modify_staffing_pool(pool.id, {"description": "of images"}).description, "of images")
equal([one.label for one in fw.find_all_api_staffing_pools_get().results], ["readers"])
fw.set_user_staffing_pools(email("ann"), {"pools": []})
equal(fw.get_staffing_pool(pool.id).users, [])
fw.delete_staffing_pool(pool.id)
with refused(404):
    fw.get_staffing_pool(pool.id)

# Protocols.
draft = fw.create_task_protocol(
    {"label": "draft", "protocol_config": {"longitudinal": True}, "group_id": "lab", "task_type": "R", "form": FORM}
)
equal(fw.modify_task_protocol(draft.id, {"notes": "soon"}).notes, "soon")
fw.delete_task_protocol(draft.id)
with refused(404):
    fw.get_task_protocol(draft.id)
simple = protocol("simple")
equal(fw.get_task_protocol(simple).status, "published")
equal([one.label for one in fw.find_task_protocols().results], ["simple"])

# A task from its making to its completion.
body = {
    "subcategory": "quality",
    "status": "todo",
    "parent_ref": {"type": "session", "id": session_id},
    "due_date": "2030-01-01T00:00:00Z",
    "priority": "high",
    "protocol_id": simple,
    "assignee": {"id": email("bob"), "type": "user"},
}
task = fw.create_reader_task(body)
equal((task.task_id, task.parents.project), ("R-00001-001", study.id))
fw.assign_reader_task(task.id, {"assignee": {"id": email("ann"), "type": "user"}})
fw.modify_reader_task(task.id, {"priority": "low"})
shown = ann.get_reader_task(task.id)
equal((shown.priority, shown.assignee.id), ("low", email("ann")))
answer = {"task_id": task.id, "data": {"score": 3}}
response = ann.create_or_replace_task_response(task.id, answer)
ann.put_task_response(task.id, response.id, {"task_id": task.id, "data": {"score": 2}})
equal(ann.get_response(response.id).data, {"score": 2})
ann.update_response(response.id, {"data": {"score": 4}})
sealed = ann.submit_response(response.id)
equal((sealed.data, sealed.submitted), ({"score": 4}, True))
with refused(409):
    ann.update_response(response.id, {"data": {"score": 5}})
equal([one.data for one in fw.list_task_responses(task.id).results], [{"score": 4}])
equal(ann.complete_reader_task(task.id).status, "completed")
equal(fw.get_facets_api_tasks_reader_facets_facet_field_get("status"), {"completed": 1})
equal(fw.get_task_parent_container_ids(task.id, "session"), [session_id])
copy = fw.clone_task_api_tasks_reader_task_id_clone_post(task.id, {"priority": "low"})
equal((copy.status, copy.priority), ("todo", "low"))
same([one["_id"] for one in fw.find_all_api_tasks_reader_get()["results"]], [task.id, copy.id])

# Several at once, and sets in which a third reader decides.
wanted = {"subcategory": "x", "filters": {"container_type": "session"}, "protocol_id": simple, "project_id": study.id}
equal(len(fw.batch_create_reader_task(wanted)), 1)
workflow = {"type": "adjudication", "trigger_fields": [{"key": "score", "threshold": 1}]}
judged = protocol("judged", workflow=workflow)
tasks = fw.create_adjudication_task_set({"protocol_id": judged, "parent_ref": {"type": "session", "id": session_id}})
equal([one.status for one in tasks], ["todo", "todo", "blocked"])
sets = {"protocol_id": judged, "project_id": study.id, "filters": {"container_type": "session"}}
equal(len(fw.batch_create_adjudication_task_set(sets)), 3)
equal(fw.archive_task_protocol(simple).status, "archived")
with refused(409):
    fw.modify_task_protocol(simple, {"notes": "late"})
