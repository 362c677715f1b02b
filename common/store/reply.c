#include "common/store/reply.h"

/* An answer with more elements than this is none of ours. */
#define ELEMENTS_MAX (1 << 22)

static struct store_reply *place(const redisReadTask *task, enum store_type type)
{
	struct store_reply *r;

	if (task->parent) {
		struct store_reply *array = task->parent->obj;

		r = &array->items[task->idx];
	} else {
		r = arena_alloc(task->privdata, sizeof(*r));
	}
	*r = (struct store_reply){.type = type};
	return r;
}

static void *create_string(const redisReadTask *task, char *p, size_t n)
{
	bool is_error = task->type == REDIS_REPLY_ERROR;
	struct store_reply *r = place(task, is_error ? STORE_ERROR : STORE_STRING);

	r->string = arena_span(task->privdata, span_make(p, n));
	return r;
}

static void *create_array(const redisReadTask *task, int elements)
{
	if (elements < 0 || elements > ELEMENTS_MAX)
		return NULL;
	struct store_reply *r = place(task, STORE_ARRAY);

	r->count = (size_t)elements;
	if (elements > 0)
		r->items = arena_array(task->privdata, r->count, sizeof(*r->items));
	return r;
}

static void *create_integer(const redisReadTask *task, long long value)
{
	struct store_reply *r = place(task, STORE_INT);

	r->integer = value;
	return r;
}

static void *create_nil(const redisReadTask *task)
{
	return place(task, STORE_NIL);
}

static void free_object(void *object)
{
	(void)object; /* the arena's */
}

redisReplyObjectFunctions reply_functions(void)
{
	return (redisReplyObjectFunctions){
		.createString = create_string,
		.createArray = create_array,
		.createInteger = create_integer,
		.createNil = create_nil,
		.freeObject = free_object,
	};
}
