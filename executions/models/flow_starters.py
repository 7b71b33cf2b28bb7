"""What schedules, webhooks and chains have in common: they start a flow on behalf of somebody."""

from django.conf import settings
from django.db import models

from executions.fields import EncryptedJSONField, ExactJSONField


class FlowStarter(models.Model):
    """What starts executions of a flow by itself, on behalf of its owner: whoever last saved it."""

    #: Sources by the names of input variables: values as people type them, or "=expression".
    inputs = ExactJSONField(default=dict)
    #: Those of secret variables, which nobody is shown.
    secret_inputs = EncryptedJSONField(default=dict)
    is_on = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    #: Raised by each change, so that of two at once one is refused.
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
