package org.userload.cli;

import java.util.Locale;
import org.userload.transport.Link;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Bytes per second: as a size ({@code 100M}), or as a rate in bits ({@code 800mbit}). */
final class RateConverter implements ITypeConverter<Long> {
    private final SizeConverter sizes = new SizeConverter();

    @Override
    public Long convert(String text) {
        long bytesPerSecond;
        try {
            bytesPerSecond =
                    text.toLowerCase(Locale.ROOT).endsWith("bit") ? Link.bytesPerSecond(text) : sizes.convert(text);
        } catch (IllegalArgumentException | TypeConversionException e) {
            throw new TypeConversionException("'" + text
                    + "' is not a rate; write bytes per second, for example 100M, or bits, for example 800mbit");
        }
        if (bytesPerSecond < 1) {
            throw new TypeConversionException("'" + text + "' would send nothing; leave it out for no limit");
        }
        return bytesPerSecond;
    }
}
