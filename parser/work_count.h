/*
 * work_count: put before every other include of a core file (gcc -include) when it is built for work_test: calls that
 * look at many bytes at once count them, and the compiler's coverage hook counts every basic block.
 */
#ifndef MW_PARSER_WORK_COUNT_H
#define MW_PARSER_WORK_COUNT_H

#include <stddef.h>
#include <string.h>

void work_add(size_t n);
static inline const void *work_memchr(const void *p, int c, size_t n)
{
	const void *hit = memchr(p, c, n);
	work_add(hit ? (size_t)((const char *)hit - (const char *)p) / 8 + 1 : n / 8 + 1);
	return hit;
}
static inline const void *work_memmem(const void *p, size_t n, const void *what, size_t m)
{
	const void *hit = memmem(p, n, what, m);
	work_add(hit ? (size_t)((const char *)hit - (const char *)p) / 8 + 1 : n / 8 + 1);
	return hit;
}
static inline int work_memcmp(const void *a, const void *b, size_t n)
{
	work_add(n / 8 + 1);
	return memcmp(a, b, n);
}
static inline void *work_memcpy(void *to, const void *from, size_t n)
{
	work_add(n / 8 + 1);
	return memcpy(to, from, n);
}
#undef memcpy
#define memchr(p, c, n) work_memchr(p, c, n)
#define memmem(p, n, what, m) work_memmem(p, n, what, m)
#define memcmp(a, b, n) work_memcmp(a, b, n)
#define memcpy(to, from, n) work_memcpy(to, from, n)

#endif
