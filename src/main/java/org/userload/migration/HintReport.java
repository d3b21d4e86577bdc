package org.userload.migration;

import org.jspecify.annotations.Nullable;

/**
 * What hints of free pages did for a migration.
 *
 * @param problem why the guest was not asked, or not any more, though it should have been; null when it was, or should not be
 * @param reports how often it was asked
 * @param late reports that were not complete when the migration went on
 * @param taken hints that counted
 * @param stale hints that came for an earlier report, or after the end
 * @param refused hints of pages that do not exist, or of none
 * @param us how long the migration was kept by all this, microseconds
 */
public record HintReport(
        @Nullable String problem, long reports, long late, long taken, long stale, long refused, long us) {}
