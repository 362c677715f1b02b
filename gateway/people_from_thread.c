#include "gateway/people_from_thread.h"

#include "gateway/problem.h"

void people_from_thread(struct http_request *r)
{
	problem_answer(r, PROBLEM_NOT_OFFERED, "People are made from threads in a later release.");
}
