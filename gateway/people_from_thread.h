/* people_from_thread: POST /v1/people: a person from an address on a thread (LNK-08). The body is checked. */
#ifndef MW_GATEWAY_PEOPLE_FROM_THREAD_H
#define MW_GATEWAY_PEOPLE_FROM_THREAD_H

struct http_request;

void people_from_thread(struct http_request *r);

#endif
