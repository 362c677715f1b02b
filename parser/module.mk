# HOOKS=1: children obey the header X-Mailweave-Test-Crash (abort, hang). For tests alone; never installed.
ifeq ($(HOOKS),1)
$(B)/parser/child.o: CFLAGS += -DMW_TEST_HOOKS
endif
PARSER_CORE := $(addprefix parser/,utf8.c charset.c transfer.c encoded_word.c header.c lex.c param.c date.c \
	address_list.c msg_id.c mime.c mime_scan.c mime_part.c mime_body.c entity.c html_text.c preview.c facts.c \
	mail_class.c quote.c json.c)
PARSER_ALL := $(filter-out %_test.c %_fuzz.c,$(wildcard parser/*.c))
$(eval $(call program,parser,$(PARSER_ALL),stage bus store secret wire metrics conf base,-lzmq -lhiredis -lmicrohttpd \
	-lseccomp -lgumbo -lcrypto -lidn2 -lpthread))
