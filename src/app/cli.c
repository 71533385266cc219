#include "app/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/scope.h"
#include "base/text.h"

#define OPTIONS_MAX 24
#define HELP_CODE   1 /* getopt_long's value of --help */
#define FIRST_CODE  256 /* … and of options[0] */
#define SHOWN_MAX   80

int cli_match(const struct cli_verb *verb, int argc, char **argv)
{
	const char *blank = strchr(verb->name, ' ');
	size_t first = blank ? (size_t)(blank - verb->name) : strlen(verb->name);

	if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], verb->name, first) != 0)
		return 0;
	if (!blank)
		return 1;
	return argc >= 2 && strcmp(argv[1], blank + 1) == 0 ? 2 : 0;
}

static size_t count_options(const struct cli_option *options)
{
	size_t n = 0;

	while (options[n].name)
		n++;
	return n;
}

/* What getopt_long() wants to know. */
static void make_tables(const struct cli_option *options, struct option *ret_long,
			char *ret_letters)
{
	size_t n = count_options(options);

	*ret_letters++ = ':';
	*ret_letters++ = 'h';
	for (size_t i = 0; i < n; i++) {
		ret_long[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].value ? required_argument : no_argument,
			.val = FIRST_CODE + (int)i,
		};
		if (options[i].letter)
			*ret_letters++ = options[i].letter;
		if (options[i].letter && options[i].value)
			*ret_letters++ = ':';
	}
	*ret_letters = '\0';
	ret_long[n] = (struct option){ .name = "help", .val = HELP_CODE };
	ret_long[n + 1] = (struct option){};
}

static const char *shown(const char *word, char ret_text[static SHOWN_MAX])
{
	return text_escape(word, strlen(word), ret_text, SHOWN_MAX);
}

/* optopt is 0 for an unknown long option, the code of a known one that is used wrongly, or a letter. */
static int refuse_option(int code, char **argv, struct error *err)
{
	const char *word = argv[optind - 1];
	char text[SHOWN_MAX];
	char letter[3] = { '-', (char)optopt, '\0' };

	if (optopt > 0 && optopt < FIRST_CODE && optopt != HELP_CODE)
		word = letter;
	if (code == ':')
		return error_set(err, FAULT_CONFIG, "%s needs a value", shown(word, text));
	if (optopt >= FIRST_CODE || optopt == HELP_CODE)
		return error_set(err, FAULT_CONFIG, "%s takes no value", shown(word, text));
	return error_set(err, FAULT_CONFIG, "there is no option %s", shown(word, text));
}

static const struct cli_option *find_option(const struct cli_option *options, int code)
{
	if (code >= FIRST_CODE)
		return &options[code - FIRST_CODE];
	while (options->name && options->letter != code)
		options++;
	return options;
}

static int take_option(const struct cli_option *option, struct error *err)
{
	if (option->value ? *option->text != NULL : *option->flag)
		return error_set(err, FAULT_CONFIG, "--%s is given twice", option->name);
	if (option->value)
		*option->text = optarg;
	else
		*option->flag = true;
	return 0;
}

/* arguments: "APP FILE --version V": the first words are the operands that must be given. */
static int refuse_missing(const char *arguments, int given, int min, struct error *err)
{
	_cleanup_text_ struct text names = {};
	int r;

	for (int i = 0; i < min; i++) {
		size_t size = strcspn(arguments, " ");

		if (i >= given)
			text_add(&names, "%s%.*s", i > given ? " and " : "", (int)size, arguments);
		arguments += size;
		arguments += strspn(arguments, " ");
	}
	r = text_check(&names, err);
	if (r < 0)
		return r;
	return error_set(err, FAULT_CONFIG, "%s %s missing", names.data,
			 min - given > 1 ? "are" : "is");
}

static int count_operands(const char *arguments, char **operands, int n, int min, int max,
			  struct error *err)
{
	char text[SHOWN_MAX];

	if (n < min)
		return refuse_missing(arguments, n, min, err);
	if (n > max)
		return error_set(err, FAULT_CONFIG, "%s is one word too many",
				 shown(operands[max], text));
	return 0;
}

int cli_parse(const struct cli_option *options, const char *arguments, int min_operands,
	      int max_operands, int argc, char **argv, char ***ret_operands, struct error *err)
{
	struct option long_options[OPTIONS_MAX + 2];
	char letters[2 * OPTIONS_MAX + 3];
	int code, r;

	make_tables(options, long_options, letters);
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
		if (code == HELP_CODE || code == 'h')
			return CLI_HELP;
		if (code == '?' || code == ':')
			return refuse_option(code, argv, err);
		r = take_option(find_option(options, code), err);
		if (r < 0)
			return r;
	}
	r = count_operands(arguments, argv + optind, argc - optind, min_operands, max_operands,
			   err);
	if (r < 0)
		return r;
	*ret_operands = argv + optind;
	return 0;
}

static void print_option(const struct cli_option *option)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", option->letter ? '-' : ' ',
		       option->letter ? option->letter : ' ', option->letter ? "," : " ",
		       option->name, option->value ? " " : "", option->value ? option->value : "");
	printf("  %-28s %s\n", left, option->help);
}

static void print_help(const struct cli_verb *verb, const struct cli_option *options)
{
	static const struct cli_option help = { .name = "help",
						.letter = 'h',
						.help = "print this" };

	printf("flipslot %s%s%s\n\n", verb->name, verb->arguments[0] ? " " : "", verb->arguments);
	if (verb->summary)
		printf("%s.\n\n", verb->summary);
	for (; options->name; options++)
		print_option(options);
	print_option(&help);
}

int cli_begin(const struct cli_verb *verb, const struct cli_option *options, int min_operands,
	      int max_operands, int argc, char **argv, char ***ret_operands)
{
	struct error err = {};
	int r;

	r = cli_parse(options, verb->arguments, min_operands, max_operands, argc, argv,
		      ret_operands, &err);
	if (r < 0)
		return cli_refuse(verb, "%s", err.text);
	if (r == CLI_HELP) {
		print_help(verb, options);
		return 0;
	}
	return CLI_GO;
}

int cli_fail(const struct error *err)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "flipslot: %s\n", err->text);
	return fault_exit_status(err->fault);
}

int cli_refuse(const struct cli_verb *verb, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)fflush(stdout);
	(void)fprintf(stderr, "flipslot %s: %s\nusage: flipslot %s %s    (more: --help)\n",
		      verb->name, text, verb->name, verb->arguments);
	return CLI_USAGE;
}

int cli_need_root(const struct cli_verb *verb)
{
	if (scope_may_write())
		return CLI_GO;
	(void)fprintf(stderr,
		      "flipslot %s: only root may do this; try: sudo flipslot %s …; or, for a "
		      "service of your own: flipslot --user %s …\n",
		      verb->name, verb->name, verb->name);
	return CLI_FORBIDDEN;
}

static int check_app(const char *app, struct error *err)
{
	char text[SHOWN_MAX];

	if (parse_is_app_name(app))
		return 0;
	return error_set(err, FAULT_CONFIG, "\"%s\" cannot be an app: 1 to 64 of a-z, 0-9, _ and -",
			 shown(app, text));
}

static int refuse_absent(const char *app, struct error *err)
{
	return error_set(err, FAULT_CONFIG,
			 "there is no app %s: `flipslot list` shows those that are, "
			 "`flipslot init %s --unit %s.service` makes it one",
			 app, app, app);
}

int cli_load(const char *app, struct config **ret_config, struct error *err)
{
	int r = check_app(app, err);

	if (r == 0)
		r = config_load(app, ret_config, err);
	return r == CONFIG_ABSENT ? refuse_absent(app, err) : r;
}

int cli_open_rough(const char *app, struct config **ret_config, int *ret_dirfd,
		   struct error *ret_problem, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	int load = check_app(app, err);
	int r;

	if (load == 0)
		load = config_load_rough(config_own_places(), app, &config, ret_problem, err);
	if (load < 0)
		return load;
	if (load == CONFIG_ABSENT)
		return refuse_absent(app, err);
	r = config_open_root(config, ret_dirfd, err);
	if (r < 0 && load == CONFIG_BROKEN) /* which is the cause, or at least comes first */
		return error_set(err, FAULT_CONFIG, "%s", ret_problem->text);
	if (r < 0)
		return r;
	*ret_config = TAKE_PTR(config);
	return load == CONFIG_BROKEN ? CLI_ROUGHLY : 0;
}

int cli_open(const char *app, struct config **ret_config, int *ret_dirfd, struct error *err)
{
	_cleanup_(config_freep) struct config *config = NULL;
	int r;

	r = cli_load(app, &config, err);
	if (r < 0)
		return r;
	r = config_open_root(config, ret_dirfd, err);
	if (r < 0)
		return r;
	*ret_config = TAKE_PTR(config);
	return 0;
}

char *cli_worker_unit(const char *app, char ret_unit[static CLI_UNIT_MAX])
{
	(void)snprintf(ret_unit, CLI_UNIT_MAX, "flipslot@%s.service", app);
	return ret_unit;
}
