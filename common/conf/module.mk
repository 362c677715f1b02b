$(eval $(call library,conf,$(filter-out %_test.c %_fuzz.c,$(wildcard common/conf/*.c))))
