@NullMarked
package org.userload.source;

import org.jspecify.annotations.NullMarked;
