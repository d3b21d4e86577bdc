#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * _exit and not exit: several threads may fail at the same moment (all of them see a lost source),
 * and another may be asleep in a page fault that nobody will resolve. The source process, if it
 * is ours, dies with us by its parent-death signal.
 */
_Noreturn static void end(const char *format, va_list arguments, const char *reason)
{
    char message[512];
    vsnprintf(message, sizeof message, format, arguments);
    dprintf(STDERR_FILENO, "%s: %s%s\n", program_invocation_short_name, message, reason);
    _exit(EXIT_FAILURE);
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(format, arguments, "");
}

void fail_call(const char *format, ...)
{
    char reason[128];
    snprintf(reason, sizeof reason, ": %s (errno %d)", strerror(errno), errno);
    va_list arguments;
    va_start(arguments, format);
    end(format, arguments, reason);
}
