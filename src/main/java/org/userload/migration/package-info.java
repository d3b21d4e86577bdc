/**
 * Moving a guest: who runs it when, and what moved.
 *
 * <p>The handover is a two-phase exchange, drawn in {@code docs/migration.md}: the source pauses the guest and sends its
 * CPU state (PREPARE), the destination restores it (READY), the source lets go (COMMIT), the destination runs it
 * (STARTED). At no time do both sides run it, whichever process or connection ends when.
 */
@NullMarked
package org.userload.migration;

import org.jspecify.annotations.NullMarked;
