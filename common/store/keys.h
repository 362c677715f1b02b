/*
 * keys: the one place where a key's name is built. Two kinds of hash slot and one small third:
 *
 *   {a:<company>/<account>}:…   one mail account      {c:<company>}:…   one company      {g}:…   the deployment
 *
 * docs/data-model.md describes every value; here stand key, type, writer → readers.
 *
 *   KEY_A_ACCOUNT   acct    hash   gateway → all         configuration; generation; no secret in clear
 *   KEY_A_STATE     st      hash   fetcher → gateway     state, last error, counts
 *   KEY_A_HISTORY   sth     stream fetcher → gateway     state changes
 *   KEY_A_LEASE     lease   hash   fetcher → fetcher, sender
 *   KEY_A_MAILBOXES box     hash   fetcher → gateway     mailbox number → msgpack: path, role, cursor (opaque)
 *   KEY_A_LEDGER    l       hash   fetcher; linker's commit removes → fetcher
 *   KEY_A_PLACES    p       hash   fetcher → gateway, linker's commit   id → msgpack: places, keywords
 *   KEY_A_UIDS      u:<mailbox>:<chunk>  hash  fetcher → fetcher        uid → id (10 bytes) + flag byte
 *   KEY_A_NAMES     eid     hash   fetcher → fetcher     a message by the id that its server gives it → id, size, check
 *   KEY_A_ASIDE     aside   hash   fetcher → gateway     id → msgpack: reason, attempts, blob, at
 *   KEY_A_MESSAGES  m       hash   linker → gateway, fetcher            id → record
 *   KEY_A_IDKEYS    i       hash   linker → linker       8-byte hash of a Message-ID → thread id
 *   KEY_A_ALIASES   al      hash   linker → all          absorbed thread → survivor
 *   KEY_A_THREADS   t       hash   linker → gateway      thread id → record
 *   KEY_A_USER      tu      hash   gateway → linker      thread id → what the user decided
 *   KEY_A_MEMBERS   tm:<thread>  zset  linker's commit adds, threader re-homes → gateway    id by receivedAt
 *   KEY_A_REHOME    rh      hash   linker; threader removes → threader  absorbed thread → survivor
 *   KEY_A_TOMBS     dead    hash   gateway → linker      ids of deleted messages
 *   KEY_A_VIEW      v:<all|inbox|sent|archive>  zset  linker, gateway (by one Lua fragment) → gateway
 *   KEY_A_JOURNAL   j       stream whoever changes what matters outside → linker, gateway   n-0 → packed entry
 *   KEY_A_COUNTS    n       hash   linker → gateway      screened, committed
 *   KEY_A_OUTBOX    o       hash   gateway → sender      submission → entry
 *   KEY_A_OUTSTATE  os      hash   sender → gateway      submission → state
 *   KEY_A_OUTBACK   ob      hash   linker's commit → gateway            submission → JSON: what came back
 *   KEY_A_TRACKED   tk      hash   gateway → gateway     submission → JSON: opens, clicks, the last hits
 *   KEY_A_COVERAGE  cov     hash   fetcher → gateway, fetcher           mailbox number → msgpack: what is there, what is not
 *   KEY_A_FOUND     found:<request>  string, expires  fetcher → gateway
 *   KEY_A_COMMANDS  cmd     stream gateway, sender, threader → fetcher  what to do at the provider, in order
 *   KEY_A_BACKFILL  bf      hash   fetcher → gateway     older mail on request: what was asked, how far it is
 *   KEY_A_LOGINS    lg      hash   fetcher, sender (one Lua fragment); gateway clears → fetcher, sender, gateway
 *   KEY_A_LINKS     cn      hash   fetcher → fetcher     connections of each instance; what a server lowered them to
 *   KEY_A_OCTETS    by      hash   fetcher → fetcher, gateway           octets read by the hour
 *   KEY_A_SUSPECTS  sus     hash   fetcher → fetcher                    messages in the midst of which a connection died
 *   KEY_A_AUDIT     aud     stream gateway               changes of the account's settings (CFG-01)
 *   KEY_A_OUTDUE    od      zset   gateway adds, sender moves → sender  submission by due time
 *   KEY_A_OUTBULK   odb     zset   the same of copies of mail to many
 *   KEY_A_OUTLIST   ol      zset   gateway → gateway     submission by creation
 *   KEY_A_PACE      pace    hash   sender → sender, gateway             what was sent in the last day and minute
 *
 *   KEY_C_COMPANY   company hash   gateway → all         settings and plan
 *   KEY_C_TOKENS    tok     hash   gateway → gateway     token id → msgpack: SHA-256, kind, user, scopes
 *   KEY_C_USERS     user    hash   gateway → linker      id → JSON
 *   KEY_C_USERADDR  ua      hash   gateway → linker      normalized address → user id
 *   KEY_C_PEOPLE    person  hash   gateway → linker      id → JSON
 *   KEY_C_ORGS      org     hash   gateway → gateway
 *   KEY_C_ITEMS     item    hash   gateway → linker      <d|l|p>:<id> → JSON
 *   KEY_C_ADDRESSES ad      hash   gateway → linker      normalized address → msgpack list of person ids
 *   KEY_C_MANYADDR  adm     zset   gateway               those that are on several people
 *   KEY_C_PERSONITEMS pi    hash   gateway → linker      person id → msgpack list of [kind, id, created ms], open only
 *   KEY_C_ACCOUNTS  acct    hash   gateway → linker, gateway            account → msgpack: number, user
 *   KEY_C_APPLIED   applied hash   linker                account → n
 *   KEY_C_EVENTS    ev      stream linker → gateway      (account number, n)
 *   KEY_C_PLACED    tr      hash   linker                account number + thread → timelines it is on
 *   KEY_C_TIMELINE  tl:<kind>:<id>[:<user>]  zset  linker → gateway     account number + thread by lastMessageAt
 *   KEY_C_IDEM      idem:<key>   string  gateway         Idempotency-Key → answer
 *   KEY_C_SUPPRESSED sup  hash   gateway, linker's apply → gateway     normalized address → JSON (SND-13)
 *   KEY_C_AUDIT     audit   stream gateway               settings changes (CFG-01)
 *   KEY_C_USERAUDIT aud:<user>  stream gateway            changes of a user's preferences (CFG-01)
 *   KEY_C_WEBHOOKS  wh      hash   gateway → gateway     endpoint → JSON
 *   KEY_C_WEBHOOKSTATE whs:<id>  hash  gateway           how far it has come
 *   KEY_C_WEBHOOKLOG   whd:<id>  stream  gateway         what came of its requests
 *
 *   KEY_G_COMPANIES companies hash gateway → all         company → JSON
 *   KEY_G_ACCOUNTS  accounts  hash gateway → fetcher, sender, linker    <company>/<account> → generation
 *   KEY_G_ERASURES  er        hash gateway               erasure → JSON: what was erased, and that nothing is left
 *   KEY_G_ERASURES_OPEN  ero  set  gateway               those that want work     KEY_G_ERASURE_LEASE  erl:<erasure>  string, expires
 *   KEY_G_TOKENS    tok       hash gateway               root tokens
 *   KEY_G_LINKS     cn:<host>  hash, expires  fetcher    connections of each instance to a mail server
 *   KEY_G_REGISTRY  reg:<instance>  string, expires   bus        KEY_G_INSTANCES  regs  set  bus
 */
#ifndef MW_STORE_KEYS_H
#define MW_STORE_KEYS_H

#include "common/base/arena.h"
#include "common/base/span.h"

/* `{a:<company>/<account>}:<suffix>` in the arena; suffix by the macros below, extra parts appended as they are. */
struct span key_account(struct arena *arena, struct span company, struct span account,
			const char *suffix);
struct span key_account_part(struct arena *arena, struct span company, struct span account,
			     const char *suffix, struct span part);
struct span key_company(struct arena *arena, struct span company, const char *suffix);
struct span key_company_part(struct arena *arena, struct span company, const char *suffix,
			     struct span part);
struct span key_global(struct arena *arena, const char *suffix);
struct span key_global_part(struct arena *arena, const char *suffix, struct span part);
/* `{a:<company>/<account>}` alone: what account functions get as their one key (they build the rest). */
struct span key_account_tag(struct arena *arena, struct span company, struct span account);
struct span key_company_tag(struct arena *arena, struct span company);

#define KEY_A_ACCOUNT "acct"
#define KEY_A_STATE "st"
#define KEY_A_HISTORY "sth"
#define KEY_A_LEASE "lease"
#define KEY_A_MAILBOXES "box"
#define KEY_A_LEDGER "l"
#define KEY_A_PLACES "p"
#define KEY_A_NAMES "eid"
#define KEY_A_UIDS "u:"
#define KEY_A_ASIDE "aside"
#define KEY_A_MESSAGES "m"
#define KEY_A_IDKEYS "i"
#define KEY_A_ALIASES "al"
#define KEY_A_THREADS "t"
#define KEY_A_USER "tu"
#define KEY_A_AUDIT "aud"
#define KEY_A_MEMBERS "tm:"
#define KEY_A_REHOME "rh"
#define KEY_A_TOMBS "dead"
#define KEY_A_VIEW "v:"
#define KEY_A_JOURNAL "j"
#define KEY_A_COUNTS "n"
#define KEY_A_OUTBOX "o"
#define KEY_A_OUTSTATE "os"
#define KEY_A_OUTBACK "ob"
#define KEY_A_TRACKED "tk"
#define KEY_A_COMMANDS "cmd"
#define KEY_A_BACKFILL "bf"
#define KEY_A_OUTDUE "od"
#define KEY_A_OUTBULK "odb"
#define KEY_A_OUTLIST "ol"
#define KEY_A_PACE "pace"
#define KEY_A_LOGINS "lg"
#define KEY_A_LINKS "cn"
#define KEY_A_OCTETS "by"
#define KEY_A_SUSPECTS "sus"
#define KEY_A_COVERAGE "cov"
#define KEY_A_FOUND "found:"
#define KEY_C_COMPANY "company"
#define KEY_C_TOKENS "tok"
#define KEY_C_USERS "user"
#define KEY_C_USERADDR "ua"
#define KEY_C_PEOPLE "person"
#define KEY_C_ORGS "org"
#define KEY_C_ITEMS "item"
#define KEY_C_ADDRESSES "ad"
#define KEY_C_MANYADDR "adm"
#define KEY_C_PERSONITEMS "pi"
#define KEY_C_ACCOUNTS "acct"
#define KEY_C_APPLIED "applied"
#define KEY_C_EVENTS "ev"
#define KEY_C_PLACED "tr"
#define KEY_C_TIMELINE "tl:"
#define KEY_C_IDEM "idem:"
#define KEY_C_AUDIT "audit"
#define KEY_C_USERAUDIT "aud:"
#define KEY_C_SUPPRESSED "sup"
#define KEY_C_WEBHOOKS "wh"
#define KEY_C_WEBHOOKSTATE "whs:"
#define KEY_C_WEBHOOKLOG "whd:"
#define KEY_G_COMPANIES "companies"
#define KEY_G_ACCOUNTS "accounts"
#define KEY_G_TOKENS "tok"
#define KEY_G_ERASURES "er"
#define KEY_G_ERASURES_OPEN "ero"
#define KEY_G_ERASURE_LEASE "erl:"
#define KEY_G_REGISTRY "reg:"
#define KEY_G_LINKS "cn:"
#define KEY_G_INSTANCES "regs"

#endif
