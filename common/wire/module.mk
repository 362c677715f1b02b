$(eval $(call library,wire,$(filter-out %_test.c %_fuzz.c,$(wildcard common/wire/*.c))))
$(eval $(call unit,common/wire/pack_test,,wire base,))
$(eval $(call unit,common/wire/wire_test,,wire base,))
$(eval $(call fuzz,common/wire/wire_fuzz,,wire base,))
