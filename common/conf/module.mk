$(eval $(call library,conf,$(filter-out %_test.c %_fuzz.c,$(wildcard common/conf/*.c))))
$(eval $(call unit,common/conf/conf_test,,conf base,-lidn2))
