/* problem_codes: every code the API refuses with: P(NAME, code, status, title, remedy). Codes are stable. */
#ifndef MW_GATEWAY_PROBLEM_CODES_H
#define MW_GATEWAY_PROBLEM_CODES_H

#define PROBLEM_CODES(P)         \
	PROBLEM_CODES_REQUEST(P) \
	PROBLEM_CODES_RIGHTS(P)  \
	PROBLEM_CODES_STATE(P)   \
	PROBLEM_CODES_SEND(P)    \
	PROBLEM_CODES_SERVER(P)

#define PROBLEM_CODES_REQUEST(P)                                                                \
	P(MALFORMED_REQUEST, "malformed_request", 400, "The request is not well formed",        \
	  "Correct the request line.")                                                          \
	P(MALFORMED_JSON, "malformed_json", 400, "The body is not JSON",                        \
	  "Send one JSON object, UTF-8.")                                                       \
	P(INVALID_FIELD, "invalid_field", 400, "A field has a wrong value",                     \
	  "Correct the field named in the detail.")                                             \
	P(UNKNOWN_FIELD, "unknown_field", 400, "A field is not known",                          \
	  "Remove the field or correct its name.")                                              \
	P(MISSING_FIELD, "missing_field", 400, "A field is missing",                            \
	  "Send the field named in the detail.")                                                \
	P(INVALID_PARAMETER, "invalid_parameter", 400, "A query parameter has a wrong value",   \
	  "Correct the parameter named in the detail.")                                         \
	P(UNKNOWN_PARAMETER, "unknown_parameter", 400, "A query parameter is not known",        \
	  "Remove the parameter or correct its name.")                                          \
	P(INVALID_CURSOR, "invalid_cursor", 400, "The cursor is not one of this list",          \
	  "Begin again without a cursor.")                                                      \
	P(METHOD_NOT_ALLOWED, "method_not_allowed", 405, "This path does not take this method", \
	  "Use a method that the Allow header names.")                                          \
	P(NOT_FOUND, "not_found", 404, "There is no such thing",                                \
	  "Check the id; what you may not see is not there.")                                   \
	P(BODY_TOO_LARGE, "body_too_large", 413, "The request body is too large",               \
	  "Send less at once.")                                                                 \
	P(RANGE_NOT_SATISFIABLE, "range_not_satisfiable", 416, "The range lies outside",        \
	  "Ask for a range within the part's size.")                                            \
	P(REQUEST_TIMEOUT, "request_timeout", 408, "The request took too long to arrive",       \
	  "Send it again.")

#define PROBLEM_CODES_RIGHTS(P)                                                                    \
	P(INVALID_TOKEN, "invalid_token", 401, "The token is missing or not valid",                \
	  "Send `Authorization: Bearer <token>` with a token that was not deleted.")               \
	P(WRONG_TOKEN_KIND, "wrong_token_kind", 403, "This needs another kind of token",           \
	  "Use the kind of token that the detail names.")                                          \
	P(MISSING_SCOPE, "missing_scope", 403, "The token lacks a scope",                          \
	  "Use a token with the scope named.")                                                     \
	P(ADMIN_REQUIRED, "admin_required", 403, "Only an admin or the company token may do this", \
	  "Ask an admin of your company.")                                                         \
	P(ACTING_USER_REQUIRED, "acting_user_required", 403, "Mail is read as a user",             \
	  "Send `Acting-User: <userId>` or use a user token.")                                     \
	P(UNKNOWN_ACTING_USER, "unknown_acting_user", 403, "There is no such acting user",         \
	  "Put the user first, or correct the Acting-User header.")                                \
	P(NOT_PARTICIPANT, "not_participant", 403,                                                 \
	  "Only a participant may answer or forward this",                                         \
	  "Ask the owner of the mailbox to answer, or write a new message.")                       \
	P(NOT_OWNER, "not_owner", 403, "Only the owner may change this",                           \
	  "Ask the owner of the mailbox.")

#define PROBLEM_CODES_STATE(P)                                                                     \
	P(IDEMPOTENCY_KEY_REUSED, "idempotency_key_reused", 409,                                   \
	  "The Idempotency-Key came with another body before", "Use a new key for a new request.") \
	P(REQUEST_IN_PROGRESS, "request_in_progress", 409, "The same request is being worked on",  \
	  "Ask again shortly.")                                                                    \
	P(ALREADY_EXISTS, "already_exists", 409, "There is one with this id",                      \
	  "Choose another id, or change that one.")                                                \
	P(STILL_IN_USE, "still_in_use", 409, "Something still depends on this",                    \
	  "Remove what the detail names first.")                                                   \
	P(TOO_MANY, "too_many", 409, "There are as many of these as there can be",                 \
	  "Delete one that is not needed.")                                                        \
	P(TOO_LATE, "too_late", 409, "It has gone too far to be changed",                          \
	  "Nothing can be done any more.")                                                         \
	P(ACCOUNT_NOT_AUTHENTICATED, "account_not_authenticated", 409,                             \
	  "The account's credentials do not work",                                                 \
	  "Re-authenticate the account, then send again.")                                         \
	P(ACCOUNT_PAUSED, "account_paused", 409, "The account is paused",                          \
	  "Resume the account first.")                                                             \
	P(ACCOUNT_VERIFICATION_FAILED, "account_verification_failed", 422,                         \
	  "The account could not be verified",                                                     \
	  "See the findings: each direction has its code and what to do.")                         \
	P(PROVIDER_NOT_SUPPORTED, "provider_not_supported", 422,                                   \
	  "This way to connect is not offered", "Connect with IMAP and SMTP.")                     \
	P(SENDER_NAME_FIXED, "sender_name_fixed", 422, "The mail server sets the sender name",     \
	  "Change the name in the provider's own settings.")                                       \
	P(ADDRESS_TAKEN, "address_taken", 409, "The address belongs to another user",              \
	  "Use an address of one user.")                                                           \
	P(NOT_RETRYABLE, "not_retryable", 409, "The message cannot be tried again",                \
	  "Give it up, or have it sent again.")                                                    \
	P(UNKNOWN_REFERENCE, "unknown_reference", 422, "Something this refers to is not there",    \
	  "Put what the detail names first.")

#define PROBLEM_CODES_SEND(P)                                                                     \
	P(MESSAGE_TOO_LARGE, "message_too_large", 413, "The message is too large to be sent",     \
	  "Send less, or share the files by a link.")                                             \
	P(INVALID_RECIPIENT, "invalid_recipient", 422, "A recipient's address cannot be sent to", \
	  "Correct the address named in the detail.")                                             \
	P(NO_RECIPIENT, "no_recipient", 422, "The message has no recipient",                      \
	  "Give at least one of to, cc and bcc.")                                                 \
	P(INVALID_HEADER, "invalid_header", 422,                                                  \
	  "A header value holds a line break or control character", "Remove the line break.")     \
	P(NO_CONTENT, "no_content", 422, "The message has neither text nor html",                 \
	  "Give text or html.")                                                                   \
	P(UNRESOLVED_FIELD, "unresolved_field", 422, "A smart field has no value",                \
	  "Give the field a value or take it out.")                                               \
	P(INVALID_ATTACHMENT, "invalid_attachment", 422, "An attachment is not readable",         \
	  "Send its content in base64.")                                                          \
	P(REFUSED_ATTACHMENT, "refused_attachment", 422,                                          \
	  "The provider takes no file of this kind", "Share the file by a link.")                 \
	P(TRACKING_NOT_SET_UP, "tracking_not_set_up", 422, "Nothing can be tracked here",         \
	  "Set a trackingDomain, or send it without tracking.")                                   \
	P(INVALID_SEPARATE, "invalid_separate", 422, "It cannot be sent to each separately",      \
	  "Leave out what the detail names, or send one message to all.")                         \
	P(SUPPRESSED_RECIPIENT, "suppressed_recipient", 422, "A recipient is to get nothing",     \
	  "Take the recipient out, or off the list if the reason is gone.")

#define PROBLEM_CODES_SERVER(P)                                                                  \
	P(NOT_OFFERED, "not_offered", 501, "This is not offered yet", "Use another way.")        \
	P(UNAVAILABLE, "unavailable", 503, "A part of the service does not answer",              \
	  "Try again shortly.")                                                                  \
	P(OVERLOADED, "overloaded", 503, "Too many requests at once", "Try again shortly.")      \
	P(DEADLINE_EXCEEDED, "deadline_exceeded", 504, "The answer took too long", "Try again.") \
	P(INTERNAL, "internal_error", 500, "Something went wrong here",                          \
	  "Report it with the time of the request.")

#endif
