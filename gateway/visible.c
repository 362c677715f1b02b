#include "gateway/visible.h"

static bool among(struct span name, const struct span *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_eq(name, names[i]))
			return true;
	return false;
}

bool visible_object_to(const struct visible_viewer *viewer, const struct visible_object *object)
{
	if (!object->exists || !viewer->user.n)
		return false;
	if (object->company || span_eq(viewer->user, object->owner) ||
	    among(viewer->user, object->users, object->user_count))
		return true;
	for (size_t i = 0; i < viewer->group_count; i++)
		if (among(viewer->groups[i], object->groups, object->group_count))
			return true;
	return false;
}

enum visibility visible(const struct visible_viewer *viewer, const struct visible_thread *thread)
{
	if (!viewer->user.n || thread->deleted)
		return VISIBLE_NONE;
	if (span_eq(viewer->user, thread->owner) ||
	    among(viewer->user, thread->members, thread->member_count))
		return VISIBLE_OWNER;
	if (!thread->shared)
		return VISIBLE_NONE;
	for (size_t i = 0; i < thread->object_count; i++)
		if (visible_object_to(viewer, &thread->objects[i]))
			return VISIBLE_SHARED;
	return VISIBLE_NONE;
}
