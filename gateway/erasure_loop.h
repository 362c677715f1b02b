/* erasure_loop: the thread that brings erasures to their end, also those that another gateway began and died over. */
#ifndef MW_GATEWAY_ERASURE_LOOP_H
#define MW_GATEWAY_ERASURE_LOOP_H

#include "gateway/app.h"

struct erasure_loop;

/* The thread runs from start to stop; app->bus must outlive that. */
struct erasure_loop *erasure_loop_new(struct app *app);
void erasure_loop_start(struct erasure_loop *loop);
/* Waits for the step under way; what is not done goes on with the next start, or on another gateway. */
void erasure_loop_stop(struct erasure_loop *loop);
void erasure_loop_free(struct erasure_loop **loop);
/* Any thread, never blocks: there is work. */
void erasure_loop_wake(struct erasure_loop *loop);

#endif
