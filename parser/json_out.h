/* json_out: `parser --json FILE…`, one JSON object a line for each file, in order. */
#ifndef MW_PARSER_JSON_OUT_H
#define MW_PARSER_JSON_OUT_H

/* paths: NULL-ended; "-" is standard input; none at all: standard input. Returns the exit status. */
int json_out_files(char **paths);

#endif
