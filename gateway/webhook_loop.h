/*
 * webhook_loop: the thread that posts events to endpoints, with all its requests in one curl_multi, so that an endpoint
 * that hangs holds up no other. Each endpoint is worked by one gateway: of those that live the one with the highest hash
 * (sweep_weight of its name and `<company>/<endpoint>`); while the lists differ the lease in Redis decides.
 */
#ifndef MW_GATEWAY_WEBHOOK_LOOP_H
#define MW_GATEWAY_WEBHOOK_LOOP_H

#include "gateway/app.h"

struct webhook_loop;

/* The thread runs from start to stop. app->bus and app->streams must outlive that. */
struct webhook_loop *webhook_loop_new(struct app *app);
void webhook_loop_start(struct webhook_loop *loop);
/* Begins no request any more. */
void webhook_loop_drain(struct webhook_loop *loop);
/* While draining: no request is under way, or they had their time. */
bool webhook_loop_idle(struct webhook_loop *loop);
/* Requests that are under way are given up: made again by whoever comes next. */
void webhook_loop_stop(struct webhook_loop *loop);
void webhook_loop_free(struct webhook_loop **loop);

/* Any thread, never blocks: the company has new events, or endpoints that changed. */
void webhook_loop_wake(struct webhook_loop *loop, struct span company);

#endif
