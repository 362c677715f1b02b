# HOOKS=1: children obey the header X-Mailweave-Test-Crash (abort, hang). For tests alone; never installed.
ifeq ($(HOOKS),1)
$(B)/parser/child.o: CFLAGS += -DMW_TEST_HOOKS
endif
$(B)/gen/charset_tables.h: parser/charset_tables
	@mkdir -p $(@D)
	parser/charset_tables > $@
$(B)/parser/charset.o $(B)/parser/charset.tidy $(B)/parser/counted/charset.o: $(B)/gen/charset_tables.h
PARSER_CORE := $(addprefix parser/,utf8.c charset.c transfer.c transfer_base64.c encoded_word.c header.c lex.c param.c date.c \
	address_list.c msg_id.c mime.c mime_scan.c mime_part.c mime_body.c entity.c html_text.c preview.c facts.c \
	mail_class.c mail_kind.c look_alike.c quote.c quote_marks.c json.c phrase.c html_token.c \
	charset_guess.c flowed.c uuencode.c rtf_unpack.c apple_file.c tnef.c embedded.c shown_text.c)
PARSER_ALL := $(filter-out %_test.c %_fuzz.c %_testbed.c,$(wildcard parser/*.c))
$(eval $(call program,parser,$(PARSER_ALL),stage bus store secret wire metrics conf base,-lzmq -lhiredis -lmicrohttpd \
	-lseccomp -lgumbo -lcrypto -lidn2 -lpthread))
# The pool's test is its own child, with the hooks of HOOKS=1.
$(B)/parser/child_hooked.o: parser/child.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DMW_TEST_HOOKS -MMD -MP -c -o $@ $<
PARSER_CHILD := $(addprefix parser/,child_hooked.c charset_iconv.c content_hash.c card.c facts_wire.c bounce.c \
	bounce_text.c message_json.c render.c sanitize.c tree_memory.c html_balance.c html_element.c sanitize_table.c sanitize_url.c css.c sandbox.c)
$(eval $(call unit,parser/pool_test,parser/pool.c parser/worker.c parser/spool_cache.c $(PARSER_CHILD) $(PARSER_CORE),\
	secret wire base,-lseccomp -lgumbo -lcrypto -lidn2))
$(eval $(call unit,parser/sandbox_test,parser/sandbox.c parser/charset_iconv.c $(PARSER_CORE),base,-lseccomp -lidn2))
$(eval $(call unit,parser/sanitize_test,parser/sanitize.c parser/tree_memory.c parser/html_balance.c parser/html_element.c parser/sanitize_table.c parser/sanitize_url.c parser/css.c \
	parser/phrase.c parser/html_token.c,base,-lgumbo -lidn2))
$(eval $(call unit,parser/sanitize_attack_test,parser/sanitize.c parser/tree_memory.c parser/html_balance.c parser/html_element.c parser/sanitize_table.c parser/sanitize_url.c parser/css.c \
	parser/phrase.c parser/html_token.c,base,-lgumbo -lidn2))
# The core once more, counting its work (gcc's coverage hook; clang's has other needs, so there it is left out).
ifneq ($(findstring clang,$(CC)),clang)
$(B)/parser/counted/%.o: parser/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -U_FORTIFY_SOURCE -include parser/work_count.h -fsanitize-coverage=trace-pc -MMD -MP -c -o $@ $<
$(eval $(call unit,parser/work_test,parser/hostile_testbed.c $(PARSER_CORE:parser/%=parser/counted/%),base,-lidn2))
endif
$(eval $(call unit,parser/transfer_base64_test,parser/transfer_base64.c,base,))
$(eval $(call unit,parser/embedded_test,parser/mbox.c parser/charset_iconv.c $(PARSER_CORE),base,-lidn2))
$(eval $(call unit,parser/mime_test,$(PARSER_CORE),base,-lidn2))
$(eval $(call unit,parser/quote_test,$(PARSER_CORE),base,-lidn2))
$(eval $(call unit,parser/words_test,parser/charset_iconv.c $(PARSER_CORE),base,-lidn2))
$(eval $(call fuzz,parser/mime_fuzz,parser/content_hash.c parser/card.c parser/facts_wire.c parser/bounce.c \
	parser/bounce_text.c parser/message_json.c \
	parser/render.c parser/sanitize.c parser/tree_memory.c parser/html_balance.c parser/html_element.c parser/sanitize_table.c parser/sanitize_url.c parser/css.c $(PARSER_CORE),\
	secret wire base,-lgumbo -lcrypto -lidn2))
$(eval $(call fuzz,parser/embedded_fuzz,parser/mbox.c $(PARSER_CORE),base,-lidn2))
$(eval $(call fuzz,parser/words_fuzz,$(PARSER_CORE),base,-lidn2))
$(eval $(call fuzz,parser/list_fuzz,$(PARSER_CORE),base,-lidn2))
$(eval $(call fuzz,parser/date_fuzz,$(PARSER_CORE),base,-lidn2))
$(eval $(call fuzz,parser/quote_fuzz,$(PARSER_CORE),base,-lidn2))
$(eval $(call fuzz,parser/sanitize_fuzz,parser/sanitize.c parser/tree_memory.c parser/html_balance.c parser/html_element.c parser/sanitize_table.c parser/sanitize_url.c \
	parser/css.c $(PARSER_CORE),base,-lgumbo -lidn2))
$(eval $(call unit,parser/facts_test,parser/content_hash.c parser/card.c parser/facts_wire.c parser/bounce.c \
	parser/bounce_text.c $(PARSER_CORE),secret wire base,-lcrypto -lidn2))
# `make bench-parse`
$(B)/tests/bench/bench_parse: $(patsubst %.c,$(B)/%.o,tests/bench/bench_parse.c tests/bench/mail_pack.c parser/charset_iconv.c \
	$(PARSER_CORE)) $(B)/libsecret.a $(B)/libbase.a
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lcrypto -lidn2
$(B)/tests/bench/bench_hostile: $(patsubst %.c,$(B)/%.o,tests/bench/bench_hostile.c parser/hostile_testbed.c \
	parser/charset_iconv.c parser/message_json.c parser/render.c parser/sanitize.c parser/tree_memory.c parser/html_balance.c parser/html_element.c parser/sanitize_table.c \
	parser/sanitize_url.c parser/css.c $(PARSER_CORE)) $(foreach l,wire secret base,$(B)/lib$(l).a)
	$(CC) $(LDFLAGS_$(SAN)) $(LDFLAGS) -o $@ $^ -lgumbo -lcrypto -lidn2
