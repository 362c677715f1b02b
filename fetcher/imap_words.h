/* imap_words: the sets and lists of words in what an IMAP server says, and those in what it is asked. Pure. */
#ifndef MW_FETCHER_IMAP_WORDS_H
#define MW_FETCHER_IMAP_WORDS_H

#include "common/base/buf.h"

/* Takes the next range off a set ("7,9:12" or "7 9 12"). False at its end or at something else than numbers. */
bool imap_set_next(struct span *set, uint32_t *low_out, uint32_t *high_out);
/* Takes the next label; unescapes it in place, so each list is walked once. False at the end. */
bool imap_label_next(struct span *labels, struct span *label_out);
/* Takes the next blank-separated word. False at the end. */
bool imap_word_next(struct span *words, struct span *word_out);
bool imap_words_have(struct span words, const char *word);
/* Appends uids (ascending) as a set, ranges where they follow each other. */
void imap_set_put(struct buf *out, const uint32_t *uids, size_t count);
/* "d-Mon-yyyy" of a Unix time in UTC. */
void imap_date_put(struct buf *out, int64_t unix_ms);

#endif
