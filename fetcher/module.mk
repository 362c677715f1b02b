# The program itself follows at the end of this file; its parts that need no server are tested here.
IMAP_PURE := fetcher/imap_resp.c fetcher/imap_parse.c fetcher/imap_value.c
$(eval $(call unit,fetcher/imap_resp_test,$(IMAP_PURE),base,))
