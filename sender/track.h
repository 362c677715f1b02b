/*
 * track: what makes a message tell that it was opened and which links were followed (TRK-01, TRK-02), and what lets its
 * reader ask to be left alone. Pure: HTML in, HTML out.
 */
#ifndef MW_SENDER_TRACK_H
#define MW_SENDER_TRACK_H

#include "common/secret/track_token.h"

struct track {
	const struct secret_key *key; /* track_key_make */
	struct span base; /* "https://track.example", without a slash at the end */
	struct span company, account, submission;
	struct span recipient; /* empty: there is more than one */
	bool opens, clicks;
};

/*
 * Appends the HTML: with clicks every http and https link of an <a> or <area> leads through base, but for those that lead
 * there already and what is too long for a token; with opens an image of one pixel stands before </body>, else at the end.
 * Everything else stays byte for byte.
 */
void track_html(const struct track *track, struct span html, struct buf *out);
/* Appends the address that takes the recipient off by one click. */
void track_unsubscribe_url(const struct track *track, struct buf *out);

#endif
