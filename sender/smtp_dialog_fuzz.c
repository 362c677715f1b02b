/* Hostile servers: whatever they say at any time, the dialog stays within bounds and never hands over by itself. */
#include <stdlib.h>

#include "sender/smtp_dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_recipient recipients[2] = {{.email = SPAN_LIT("a@b.example")},
					       {.email = SPAN_LIT("c@d.example")}};
	struct smtp_envelope envelope = {.from = SPAN_LIT("me@b.example"),
					 .recipients = recipients,
					 .recipient_count = 2,
					 .message = SPAN_LIT("A: b\r\n\r\n.x\n\r.y\r\n")};
	struct smtp_dialog d;
	bool asked = false;

	smtp_dialog_init(&d, "host");
	smtp_dialog_begin(&d, &envelope);
	for (size_t i = 0; i < size; i++) {
		enum smtp_step step;

		smtp_dialog_input(&d, span_make(data + i, 1));
		do
			buf_clear(&d.out);
		while (smtp_dialog_fill(&d));
		step = smtp_dialog_step(&d);
		if (d.phase == SMTP_FINAL && !asked)
			abort();
		if (step == SMTP_STEP_HAND_OVER) {
			asked = true;
			smtp_dialog_hand_over(&d);
		}
		if (step == SMTP_STEP_DONE && d.result.outcome == SMTP_TAKEN && !asked)
			abort();
	}
	smtp_dialog_fini(&d);
	return 0;
}
