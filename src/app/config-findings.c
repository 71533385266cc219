#include "app/config-findings.h"

#include <stdarg.h>
#include <stdio.h>

void config_findings_add(struct config_findings *findings, const char *format, ...)
{
	struct error one;
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)error_set(&one, FAULT_CONFIG, "%s", text);
	if (findings->n++ == 0)
		findings->first = one;
	if (findings->tell)
		findings->tell(findings->data, one.text);
}

int config_findings_check(const struct config_findings *findings, const char *app,
			  struct error *err)
{
	if (findings->n == 0)
		return 0;
	if (findings->n == 1)
		return error_set(err, FAULT_CONFIG, "%s", findings->first.text);
	return error_set(err, FAULT_CONFIG, "%s (and %u more: flipslot config check %s)",
			 findings->first.text, findings->n - 1, app);
}
