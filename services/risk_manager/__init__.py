"""The risk manager: says yes or no to every intent, sizes and prices it, and works exits until they are done."""
