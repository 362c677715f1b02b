/*
 * stamp: 8 octets in front of a region of shared memory that tell a reader, after its work, whether what it read was
 * meant for it. The writer draws a number for each region that it fills, puts it there, hands it on with the region's
 * place, and clears it before it writes anything else into that memory. Nobody outside knows the numbers, so bytes of a
 * message that happen to lie where a stamp was cannot pass for it.
 */
#ifndef MW_BASE_STAMP_H
#define MW_BASE_STAMP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STAMP_BYTES \
	64u /* what a stamp takes in front of its region: a cache line, so `at` is a multiple of 64 */

/* stamp ≠ 0. The region's bytes may follow before or after; its place is handed on after both. */
static inline void stamp_put(uint8_t *at, uint64_t stamp)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)at, stamp, memory_order_release);
}

/* What is written after this cannot be seen by a reader that still sees the stamp. */
static inline void stamp_clear(uint8_t *at)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)at, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

/* Asked after the last byte was read. False for stamp 0. */
static inline bool stamp_holds(const uint8_t *at, uint64_t stamp)
{
	atomic_thread_fence(memory_order_acquire);
	return stamp != 0 && atomic_load_explicit((const _Atomic uint64_t *)(const void *)at,
						  memory_order_relaxed) == stamp;
}

#endif
