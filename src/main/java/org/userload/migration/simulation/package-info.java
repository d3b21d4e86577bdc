/**
 * Migrations of guests that are too large to try: the engine's own policy ({@link org.userload.migration.Rounds}, {@link
 * org.userload.migration.Convergence}) on a clock that is computed, with pages counted by kind. {@code
 * docs/simulation.md} states the model.
 */
@NullMarked
package org.userload.migration.simulation;

import org.jspecify.annotations.NullMarked;
