/** Simulated migrations, and simulated against measured ones, as tables and JSON. */
@NullMarked
package org.userload.report.simulation;

import org.jspecify.annotations.NullMarked;
