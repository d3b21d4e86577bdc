package org.userload.cli;

import org.userload.transport.Link;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Emulated links: {@code RATE[/RTT]}. */
final class LinkConverter implements ITypeConverter<Link> {
    @Override
    public Link convert(String text) {
        try {
            return Link.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }
}
