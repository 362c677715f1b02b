/*
 * quote_marks: the marks that mail programs put around quoted history and signatures: "On …, Anna wrote:", the header block of
 * Outlook and its kin, dividers, "Sent from my …". Each looks at a few lines alone, so a walk over a text stays linear.
 */
#ifndef MW_PARSER_QUOTE_MARKS_H
#define MW_PARSER_QUOTE_MARKS_H

#include "common/base/span.h"

/* The line at `at` without blanks around it; *next_out: where the next one begins. */
struct span quote_marks_line(struct span s, size_t at, size_t *next_out);
/* A '>' line. */
bool quote_marks_is_quote(struct span line);
/* Where the attribution ("On Monday, Anna wrote:") that begins at `at` ends, of one to three lines; 0: there is none. */
size_t quote_marks_attribution(struct span s, size_t at);
/* "Anna wrote:", with neither time nor address: an attribution if '>' lines follow. */
bool quote_marks_tells(struct span line);
/* From here on all is history: "-----Original Message-----" and its kind, or a block of at least three header lines. */
bool quote_marks_history(struct span s, size_t at);
/* "Sent from my phone", as the whole line says it. */
bool quote_marks_phone(struct span line);

#endif
