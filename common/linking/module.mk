$(eval $(call library,linking,$(filter-out %_test.c,$(wildcard common/linking/*.c))))
$(eval $(call unit,common/linking/decide_test,,linking base,-lidn2))
