/*
 * rtf_unpack: compressed RTF as Outlook stores bodies (MS-OXRTFCP), little end first:
 *
 *     | u32 bytes after this field | u32 bytes of the RTF | "LZFu" or "MELA" | u32 checksum | data |
 *
 * LZFu data are runs of a control byte and eight tokens, lowest bit first: 0 a byte as it is; 1 a reference into a window
 * of 4096 bytes, twelve bits of place and four of length less two; one to the place of writing ends the data.
 */
#ifndef MW_PARSER_RTF_UNPACK_H
#define MW_PARSER_RTF_UNPACK_H

#include "common/base/buf.h"

/* Appends the RTF: at most what the head says, and never over nine times the data. What is damaged ends early; false if nothing
 * of it is ours. */
bool rtf_unpack(struct span packed, struct buf *out);

#endif
