/*
 * messages: the table of everything that travels between two programs (see wire.7 for who promises what).
 * From this one table come the structs, the encoder, the decoder, the log names and the page's field lists.
 *
 * WIRE_<MESSAGE>(F): F(kind, key, name, type, max, need)
 *   key   small integer on the wire, never reused          name  field of the struct
 *   type  U64 (uint64_t) · I64 (int64_t) · BYTES (struct span, max bytes) · TEXT (struct span, UTF-8, max bytes) ·
 *         LIST (struct wire_list: array of spans, max items, each at most WIRE_ITEM_MAX bytes) ·
 *         ADDRS (struct wire_addrs, max items)
 *   need  REQ (decoder refuses a message without it) · OPT (zero value if absent)
 */
#ifndef MW_WIRE_MESSAGES_H
#define MW_WIRE_MESSAGES_H

#define WIRE_VERSION 1

/* One field a line. */
/* clang-format off */

/* What names one message on every hop. lane: 0 live, 1 bulk. drive: how often it was pushed before. */
#define WIRE_HEAD(F)                                                                                                   \
	F(1, company, TEXT, 64, REQ)                                                                                   \
	F(2, account, TEXT, 64, REQ)                                                                                   \
	F(3, generation, U64, 0, REQ)                                                                                  \
	F(4, id, BYTES, 10, REQ)      /* struct id */                                                                  \
	F(5, lane, U64, 0, REQ)                                                                                        \
	F(6, drive, U64, 0, OPT)                                                                                       \
	F(7, pushed_us, I64, 0, OPT)  /* wall clock when the fetcher pushed it */                                      \
	F(8, origin, TEXT, 64, REQ)   /* instance of the fetcher: where reports and notices go */                      \
	F(9, owner, TEXT, 64, REQ)    /* user id of the account's owner */                                             \
	F(10, own, LIST, 32, OPT)     /* normalized addresses of the account itself: its own and its aliases */        \
	F(11, received_ms, I64, 0, REQ) /* INTERNALDATE, Unix ms */                                                    \
	F(12, size, U64, 0, REQ)      /* octets of the raw message */                                                  \
	F(13, blob, BYTES, 64, REQ)   /* struct blob_ref, encoded by the blob library */                               \
	F(14, place, U64, 0, OPT)     /* bits: 1 in a sent mailbox, 2 in an inbox, 4 in drafts, 8 seen, 16 flagged */  \
	F(15, submission, TEXT, 64, OPT) /* outbox entry that this message is, when the sender entered it */           \
	F(16, mode, U64, 0, OPT)         /* 0: new message; 1: reparse, only the facts of a committed one are replaced */

/* fetcher (or sender) → parser: one raw message. The bytes: spool region if spool_bytes > 0, else the second frame. */
#define WIRE_RAW(F)                                                                                                    \
	WIRE_HEAD(F)                                                                                                   \
	F(20, spool, TEXT, 256, OPT)       /* path of the fetcher's ring, readable on this host only */                \
	F(21, spool_offset, U64, 0, OPT)                                                                               \
	F(22, spool_bytes, U64, 0, OPT)                                                                                \
	F(23, spool_stamp, U64, 0, OPT)    /* lies in front of the region while it is this message's */

/* parser → threader: facts. card: msgpack map by RFC 8621 names, at most 600 bytes, what a list of messages shows. */
#define WIRE_FACTS(F)                                                                                                  \
	WIRE_HEAD(F)                                                                                                   \
	F(30, message_id, LIST, 8, OPT)    /* without <>; as in the header */                                          \
	F(31, in_reply_to, LIST, 64, OPT)                                                                              \
	F(32, references, LIST, 512, OPT)                                                                              \
	F(33, from, ADDRS, 64, OPT)                                                                                    \
	F(34, sender, ADDRS, 8, OPT)                                                                                   \
	F(35, to, ADDRS, 512, OPT)                                                                                     \
	F(36, cc, ADDRS, 512, OPT)                                                                                     \
	F(37, bcc, ADDRS, 512, OPT)                                                                                    \
	F(38, reply_to, ADDRS, 64, OPT)                                                                                \
	F(39, subject, TEXT, 998, OPT)                                                                                 \
	F(40, sent_ms, I64, 0, OPT)        /* Date header, Unix ms; 0 if absent or unreadable */                       \
	F(41, content_hash, BYTES, 32, REQ) /* SHA-256 over From, Date, Subject and body: for a missing Message-ID */  \
	F(42, card, BYTES, 700, REQ)                                                                                   \
	F(43, traits, U64, 0, OPT)         /* bits: 1 attachment, 2 auto-reply, 4 bounce, 8 list, 16 calendar */       \
	F(44, parse_us, U64, 0, OPT)                                                                                   \
	F(45, bounces, LIST, 64, OPT)      /* of a bounce or complaint: "<status|complaint> <address>" each */         \
	F(46, bounced_id, BYTES, 998, OPT) /* Message-ID of the message that came back, without <> */

/* threader → linker: the facts with what makes the conversation. keys: 8-byte hashes of every id, own id first. */
#define WIRE_PROPOSAL(F)                                                                                               \
	WIRE_FACTS(F)                                                                                                  \
	F(60, keys, LIST, 640, REQ)                                                                                    \
	F(61, derived, U64, 0, OPT)        /* 1: the own id was derived from content_hash (THR-05) */                  \
	F(62, proposed_us, I64, 0, OPT)    /* wall clock when the threader had it */

/* parser (or linker) → fetcher: an attempt failed. The fetcher counts; three set the message aside (OPS-05). */
#define WIRE_FAILED(F)                                                                                                 \
	F(1, company, TEXT, 64, REQ)                                                                                   \
	F(2, account, TEXT, 64, REQ)                                                                                   \
	F(3, generation, U64, 0, REQ)                                                                                  \
	F(4, id, BYTES, 10, REQ)                                                                                       \
	F(70, reason, TEXT, 64, REQ)       /* "crashed", "timed_out", "too_large"; linker: "commit_refused" */         \
	F(71, detail, TEXT, 256, OPT)

/* linker → fetcher: these ids left the ledger; look. A hint: may be lost. ids: 10 bytes each. */
#define WIRE_COMMITTED(F)                                                                                              \
	F(2, account, TEXT, 64, REQ)                                                                                   \
	F(80, ids, LIST, 64, REQ)

/*
 * any → any: something durable waits in Redis; look now. A hint: may be lost.
 * topic: "journal" (to linkers), "accounts" (to fetchers), "outbox" (to senders), "events" (to gateways), "ledger" (to fetchers), "rehome" (to a
 * threader)
 */
#define WIRE_RING(F)                                                                                                   \
	F(90, topic, TEXT, 32, REQ)                                                                                    \
	F(1, company, TEXT, 64, OPT)                                                                                   \
	F(2, account, TEXT, 64, OPT)

/* gateway → parser, and its answer. The raw bytes travel as the second frame, at most WIRE_RENDER_MAX. */
#define WIRE_RENDER(F)                                                                                                 \
	F(100, request, U64, 0, REQ)                                                                                   \
	F(101, want, TEXT, 16, REQ)        /* "facts" (full RFC 8621 JSON) · "body" (safe HTML and text) · "part" */   \
	F(102, part, TEXT, 64, OPT)        /* partId, for "part" */                                                    \
	F(103, remote, U64, 0, OPT)        /* 1: keep remote content in the HTML */                                    \
	F(104, offset, U64, 0, OPT)                                                                                    \
	F(105, limit, U64, 0, OPT)
#define WIRE_RENDERED(F)                                                                                               \
	F(100, request, U64, 0, REQ)                                                                                   \
	F(110, status, TEXT, 16, REQ)      /* "ok" · "no_part" · "failed" */                                           \
	F(111, type, TEXT, 128, OPT)       /* media type of a part */                                                  \
	F(112, name, TEXT, 512, OPT)                                                                                   \
	F(113, total, U64, 0, OPT)         /* octets of the whole part; the second frame has the asked range */

#define WIRE_MESSAGES(M)                                                                                               \
	M(1, raw, WIRE_RAW)                                                                                            \
	M(2, facts, WIRE_FACTS)                                                                                        \
	M(3, proposal, WIRE_PROPOSAL)                                                                                  \
	M(4, failed, WIRE_FAILED)                                                                                      \
	M(5, committed, WIRE_COMMITTED)                                                                                \
	M(6, ring, WIRE_RING)                                                                                          \
	M(7, render, WIRE_RENDER)                                                                                      \
	M(8, rendered, WIRE_RENDERED)
/* clang-format on */

#endif
