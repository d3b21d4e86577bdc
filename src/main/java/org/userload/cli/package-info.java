/**
 * The command line. Nothing depends on it.
 *
 * <p>Exit codes: 0 done and verified, 1 failed, 2 wrong usage. A user's mistake is one message, never a stack trace.
 */
@NullMarked
package org.userload.cli;

import org.jspecify.annotations.NullMarked;
