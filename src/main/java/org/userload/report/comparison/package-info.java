/**
 * Several ways of moving compared: from the results of single runs to figures, one table, JSON, CSV and a page with
 * plots. What each figure means is in {@code docs/comparing.md}.
 */
@NullMarked
package org.userload.report.comparison;

import org.jspecify.annotations.NullMarked;
