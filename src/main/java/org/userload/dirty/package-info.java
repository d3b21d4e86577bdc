/**
 * Dirty page tracking: which pages of a guest memory were written since one last looked.
 *
 * <p>A {@link org.userload.dirty.DirtyTracker} comes from {@link org.userload.dirty.DirtyTrackers}. Its contract says
 * which write is reported when; nothing here ever loses one.
 */
@NullMarked
package org.userload.dirty;

import org.jspecify.annotations.NullMarked;
